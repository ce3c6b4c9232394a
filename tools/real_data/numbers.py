"""The words for small numbers in the languages of the voices, as digits.

Owns the table, in the form that normalised words have: lower case, without accents or hyphens. Words of several genders
have one number; of compounds only those that come in the voices' prompts are here, the others count as their parts.
Whisper writes words or digits, so both sides of a comparison are put through it; English has the table of Whisper's own
normalizer, which alone leaves "one" a word.
"""

import re

_TENS = ("20", "30", "40", "50", "60", "70", "80", "90")


def _table(units: str, tens: str, others: dict[str, str]) -> dict[str, str]:
    """Words for 0 to 19 and for the tens, in order, `-` where there is none of its own."""
    numbers = {word: str(number) for number, word in enumerate(units.split())}
    numbers |= dict(zip(tens.split(), _TENS, strict=True))
    numbers |= others
    numbers.pop("-", None)
    return numbers


NUMBERS: dict[str, dict[str, str]] = {
    "en": {"one": "1"},
    "fr": _table(
        "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize - - -",
        "vingt trente quarante cinquante soixante septante octante nonante",
        {"une": "1", "cent": "100", "mille": "1000", "dix sept": "17", "dix huit": "18", "dix neuf": "19"}
        | {"soixante dix": "70", "quatre vingt": "80", "quatre vingts": "80", "quatre vingt dix": "90"},
    ),
    "es": _table(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete"
        " dieciocho diecinueve",
        "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        {"un": "1", "una": "1", "veintiuno": "21", "veintidos": "22", "veintitres": "23", "veinticuatro": "24"}
        | {"veinticinco": "25", "veintiseis": "26", "veintisiete": "27", "veintiocho": "28", "veintinueve": "29"}
        | {"cien": "100", "ciento": "100", "mil": "1000", "doscientos": "200", "trescientos": "300"}
        | {"cuatrocientos": "400", "quinientos": "500", "seiscientos": "600", "setecientos": "700"}
        | {"ochocientos": "800", "novecientos": "900"},
    ),
    "it": _table(
        "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici"
        " diciassette diciotto diciannove",
        "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
        {"un": "1", "una": "1", "ventuno": "21", "ventotto": "28", "trentuno": "31", "trentotto": "38"}
        | {"quarantuno": "41", "quarantotto": "48", "cinquantuno": "51", "cinquantotto": "58", "sessantuno": "61"}
        | {"sessantotto": "68", "settantuno": "71", "settantotto": "78", "ottantuno": "81", "ottantotto": "88"}
        | {"novantuno": "91", "novantotto": "98", "cento": "100", "mille": "1000", "duemila": "2000"},
    ),
    "ru": _table(
        "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать"
        " пятнадцать шестнадцать семнадцать восемнадцать девятнадцать",
        "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
        {"нуль": "0", "одна": "1", "одно": "1", "две": "2", "сто": "100", "тысяча": "1000"},
    ),
}

_PATTERNS = {
    language: re.compile(rf"\b(?:{'|'.join(sorted(table, key=len, reverse=True))})\b")
    for language, table in NUMBERS.items()
}


def with_digits(text: str, language: str) -> str:
    """A normalised text with its number words as digits; unchanged in a language without a table."""
    pattern = _PATTERNS.get(language)
    return pattern.sub(lambda found: NUMBERS[language][found[0]], text) if pattern else text
