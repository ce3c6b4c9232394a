"""Languages by the codes that the models know, however other programs and people write them. Pure.

Owns: the table, and reading a code, a locale or a name. Leaves to others: which model knows which language
(`abilities`), and where a language may be given (`options`, `whisperd.config`).

A code stands for a spoken language: what follows it (`en-GB`, `zh-TW`, `de_DE.UTF-8`) is a region, a script or an
encoding, which no model tells apart. Simplified or traditional characters are an option of their own (`chinese`).
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

AUTO: Final = "auto"
"""In a language's place: to be found out."""

CANTONESE: Final = "yue"
"""Known to large-v3 and what was made of it; all other languages are known to every multilingual model."""

CHINESE: Final = frozenset({"zh", CANTONESE})
"""Languages written in Chinese characters alone."""

_TABLE: Final = """
af afrikaans afr | am amharic amh | ar arabic ara arb العربية | as assamese asm | az azerbaijani aze azj
ba bashkir bak | be belarusian bel byelorussian | bg bulgarian bul български | bn bengali ben bangla
bo tibetan bod tib | br breton bre | bs bosnian bos | ca catalan cat valencian català | cs czech ces cze cz čeština
cy welsh cym wel | da danish dan dk dansk | de german deu ger deutsch | el greek ell gre gr ελληνικά
en english eng | es spanish spa castilian español | et estonian est ekk eesti | eu basque eus baq euskara
fa persian fas per pes farsi فارسی | fi finnish fin suomi | fo faroese fao | fr french fra fre français
gl galician glg galego | gu gujarati guj | ha hausa hau | haw hawaiian | he hebrew heb iw עברית | hi hindi hin हिन्दी
hr croatian hrv hrvatski | ht haitian-creole hat haitian | hu hungarian hun magyar | hy armenian hye arm
id indonesian ind in | is icelandic isl ice íslenska | it italian ita italiano | ja japanese jpn jp 日本語
jw javanese jav jv | ka georgian kat geo | kk kazakh kaz | km khmer khm cambodian | kn kannada kan
ko korean kor 한국어 | la latin lat | lb luxembourgish ltz letzeburgesch | ln lingala lin | lo lao laotian
lt lithuanian lit lietuvių | lv latvian lav lvs latviešu | mg malagasy mlg plt | mi maori mri mao
mk macedonian mkd mac | ml malayalam mal | mn mongolian mon khk | mr marathi mar | ms malay msa may zsm
mt maltese mlt | my myanmar mya bur burmese | ne nepali nep npi | nl dutch nld dut flemish nederlands
nn nynorsk nno norwegian-nynorsk | no norwegian nor nb nob bokmal norwegian-bokmal norsk | oc occitan oci
pa punjabi pan panjabi | pl polish pol polski | ps pashto pus pbt pushto | pt portuguese por português
ro romanian ron rum mo moldavian moldovan română | ru russian rus русский | sa sanskrit san | sd sindhi snd
si sinhala sin sinhalese | sk slovak slk slo slovenčina | sl slovenian slv slovene slovenščina | sn shona sna
so somali som | sq albanian sqi alb als shqip | sr serbian srp српски | su sundanese sun
sv swedish swe svenska | sw swahili swa swh kiswahili | ta tamil tam | te telugu tel | tg tajik tgk
th thai tha ไทย | tk turkmen tuk | tl tagalog tgl fil filipino | tr turkish tur türkçe | tt tatar tat
uk ukrainian ukr ua українська | ur urdu urd | uz uzbek uzb uzn | vi vietnamese vie vn tiếng-việt
yi yiddish yid ydd ji | yo yoruba yor | zh chinese zho chi cmn cn mandarin 中文 | yue cantonese zh-yue 粵語
"""
"""Of each language: the models' code (as in the reference's tokenizer), its English name, its codes in ISO 639-2 and
639-3, then other names and codes that are in use, among them withdrawn ones (iw, in, ji, mo, jw's jv) and those of
countries that are no language's (cz, dk, gr, jp, ua, vn, cn)."""


_COUNTRIES: Final = {"gb": "en", "us": "en", "kr": "ko", "se": "sv", "ir": "fa", "at": "de", "mx": "es"}
"""Of countries whose codes are taken for languages': what is probably meant. Some are other languages' codes, so that
they are named and not taken."""


def _rows() -> Iterator[tuple[str, ...]]:
    for line in _TABLE.strip().splitlines():
        for row in line.split(" | "):
            yield tuple(row.split())


NAMES: Final = {row[0]: row[1].replace("-", " ").title() for row in _rows()}
"""Every language's code, and its name in English."""

CODES: Final = tuple(NAMES)

_KNOWN: Final = {unicodedata.normalize("NFC", written): row[0] for row in _rows() for written in row}


class UnknownLanguageError(ValueError):
    """No language is written like that. `hint` names those that may have been meant."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


def find(written: str) -> str | None:
    """The code of a language as a code (`en`, `eng`), a locale (`en-GB`, `en_GB.UTF-8`) or a name (`English`)."""
    plain = unicodedata.normalize("NFC", written.strip().casefold())
    plain = re.sub(r"[.@].*$", "", plain)  # a locale's encoding, and its modifier
    plain = re.sub(r"[\s_-]+", "-", plain)
    if plain in _KNOWN:
        return _KNOWN[plain]
    language, _, rest = plain.partition("-")
    if re.fullmatch(r"[a-z]{2,3}", language, re.ASCII) and re.fullmatch(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})*", rest):
        extended = _KNOWN.get("-".join(plain.split("-")[:2]))  # zh-yue-HK
        return extended or _KNOWN.get(language)
    return None


def code(written: str) -> str:
    """The same; raises UnknownLanguageError."""
    if (found := find(written)) is not None:
        return found
    shown = written if len(written) <= 40 else written[:39] + "…"
    raise UnknownLanguageError(f'there is no language "{shown}" that the models know', _meant(written))


def code_or_auto(written: str) -> str:
    """A language's code, or `auto`. Raises UnknownLanguageError."""
    return AUTO if written.strip().casefold() == AUTO else code(written)


def name(language: str) -> str:
    """A code's name in English; the code itself where it is none of ours."""
    return NAMES.get(language, language)


def names(languages: tuple[str, ...]) -> str:
    """`German`, `English or German`, `English, German or French`."""
    told = [name(language) for language in languages]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} or {told[-1]}"


def _meant(written: str) -> str:
    """Those that are written alike; of a code's two or three letters the first is enough."""
    plain = written.strip().casefold()[:40]
    near = [_COUNTRIES[plain]] if plain in _COUNTRIES else difflib.get_close_matches(plain, _KNOWN, n=1)
    if not near and 2 <= len(plain) <= 3:
        near = difflib.get_close_matches(plain, [one for one in CODES if one[0] == plain[0]], n=3, cutoff=0.4)
    found = list(dict.fromkeys(_KNOWN[one] for one in near))
    how = 'write a code such as "en" or "pt-BR", or a name such as "English"'
    if not found:
        return f"{how}; the codes are {', '.join(CODES)}"
    return f"did you mean {' or '.join(f'{one} ({name(one)})' for one in found)}? {how}"
