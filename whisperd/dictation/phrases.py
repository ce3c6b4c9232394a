"""The words that text rules know, by language: spoken commands, and what models invent over silence."""

from collections.abc import Mapping
from typing import Final

SPOKEN: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "comma": ",", "period": ".", "full stop": ".", "question mark": "?", "exclamation mark": "!",
        "exclamation point": "!", "colon": ":", "semicolon": ";", "ellipsis": "…", "open parenthesis": "(",
        "close parenthesis": ")", "open quote": "“", "close quote": "”", "new line": "\n", "newline": "\n",
        "new paragraph": "\n\n",
    },
    "de": {
        "komma": ",", "punkt": ".", "fragezeichen": "?", "ausrufezeichen": "!", "doppelpunkt": ":",
        "strichpunkt": ";", "semikolon": ";", "klammer auf": "(", "klammer zu": ")", "neue zeile": "\n",
        "neuer absatz": "\n\n",
    },
    "fr": {
        "virgule": ",", "point": ".", "point d'interrogation": "?", "point d'exclamation": "!",
        "deux points": ":", "point virgule": ";", "ouvrez la parenthèse": "(", "fermez la parenthèse": ")",
        "à la ligne": "\n", "nouvelle ligne": "\n", "nouveau paragraphe": "\n\n",
    },
    "es": {
        "coma": ",", "punto": ".", "punto y coma": ";", "dos puntos": ":", "signo de interrogación": "?",
        "signo de exclamación": "!", "abrir paréntesis": "(", "cerrar paréntesis": ")", "nueva línea": "\n",
        "nuevo párrafo": "\n\n",
    },
}  # fmt: skip
"""Command → what it stands for, in lower case. A language that is not here has none."""

HALLUCINATIONS: Final = frozenset({
    "thank you", "thanks", "thank you very much", "thank you so much", "thanks for watching",
    "thank you for watching", "thank you for listening", "please subscribe", "subscribe", "bye", "bye bye", "you",
    "okay", "ok", "so", "oh", "hmm", "mm", "uh", "yeah", "the end", "i m sorry", "see you next time",
    "subtitles by the amara org community", "transcription by castingwords", "untertitel der amara org community",
    "vielen dank", "vielen dank fürs zuschauen", "untertitel im auftrag des zdf für funk 2017", "tschüss",
    "sous titres réalisés par la communauté d amara org", "sous titrage st 501", "merci d avoir regardé cette vidéo",
    "merci", "subtítulos realizados por la comunidad de amara org", "gracias por ver el video", "gracias",
    "sottotitoli creati dalla comunità amara org", "legendas pela comunidade amara org", "obrigado",
    "ご視聴ありがとうございました", "字幕由 amara org 社区提供", "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    "продолжение следует", "субтитры сделал dimatorzok", "시청해주셔서 감사합니다",
})  # fmt: skip
"""Bare words in lower case, collected from reports about Whisper on silence: all of them things that people do say, so
that the sound decides too."""
