"""What the test model is trained on: a synthesizer's answer, corpora put together, ears of other speakers."""

from pathlib import Path

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from tools.test_model.augment import varied
from tools.test_model.festival import marks, settings
from tools.test_model.speech import FESTIVAL, UNSEEN_FLITE, UNSEEN_VARIANTS, Corpora, Corpus, Utterance, plan

FILTERS = FeatureExtractor().mel_filters.astype(np.float32)


def test_festivals_answer_gives_phonemes_and_words_with_their_samples() -> None:
    said = "phone pau 0.000000\nphone r 0.250000\nphone eh 0.500000\nword red 0.250000\n\n"
    assert marks(said, 16_000) == ([(0, ""), (4000, "r"), (8000, "eh")], [(4000, "red")])


def test_a_statistical_voice_is_asked_for_its_rate_and_a_diphone_voice_for_its_pitch() -> None:
    assert '("-r" 0.500)' in settings("cmu_us_slt_arctic_hts", 2.0, 100)
    assert "(target_f0_mean 100.0)" in settings("ked_diphone", 2.0, 100)
    assert "int_lr_params" not in settings("ked_diphone", 2.0, 0)


def test_no_voice_that_is_kept_out_is_ever_trained_on() -> None:
    voices = [voice for _, voice in plan(3, 3000)]
    assert {voice.name for voice in voices if voice.engine == "festival"} == set(FESTIVAL)
    assert not {voice.name for voice in voices if voice.engine == "flite"} & set(UNSEEN_FLITE)
    assert not {voice.name.split("+")[1] for voice in voices if voice.engine == "espeak"} & set(UNSEEN_VARIANTS)


def test_corpora_put_together_read_each_utterance_from_its_own_folder(tmp_path: Path) -> None:
    for name, value in (("first", 100), ("second", 200)):
        (tmp_path / name).mkdir()
        np.full(5, value, np.int16).tofile(tmp_path / name / "audio.int16")
        line = f'{{"start": 2, "length": 3, "text": "{name}", "voice": "v", "phones": [], "words": []}}\n'
        (tmp_path / name / "utterances.jsonl").write_text(line)
    both = Corpora((Corpus(tmp_path / "first"), Corpus(tmp_path / "second")))
    assert [utterance.text for utterance in both.utterances] == ["first", "second"]
    heard = [np.rint(both.audio(utterance) * 32768).tolist() for utterance in both.utterances]
    assert heard == [[100] * 3, [200] * 3]
    assert both.utterances[1] == Utterance(7, 3, "second", "v", [], [])


def test_other_speakers_ears_are_seeded_and_move_a_tone_by_less_than_a_third() -> None:
    banks = [varied(FILTERS, np.random.default_rng(seed)) for seed in range(20)]
    assert all(bank.shape == FILTERS.shape and np.isfinite(bank).all() and (bank >= 0).all() for bank in banks)
    assert np.array_equal(banks[3], varied(FILTERS, np.random.default_rng(3)))
    tone = 50  # 2 kHz: a bin is 40 Hz wide
    loudest = [int((bank / FILTERS.max(axis=1, keepdims=True))[:, tone].argmax()) for bank in banks]
    near = range(int(FILTERS[:, 37].argmax()), int(FILTERS[:, 67].argmax()) + 1)
    assert set(loudest) <= set(near)
    assert len(set(loudest)) > 3
