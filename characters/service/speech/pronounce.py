"""Pronunciations for words that the recogniser's dictionary lacks, by way of espeak-ng."""

from __future__ import annotations

import re
import subprocess

__all__ = ["ask_espeak", "phones_of"]

TIMEOUT_SECONDS = 2.0
STRESS = re.compile(r"[',%=|]")
WORD = re.compile(r"[a-z']+")

# espeak-ng's names for American English beside those of the CMU dictionary.
PHONES = {
    "a": "AE", "aa": "AE", "a#": "AH", "A:": "AA", "A@": "AA R", "A#": "AA", "0": "AA",
    "aI": "AY", "aI@": "AY ER", "aI3": "AY ER", "aU": "AW", "aU@": "AW ER",
    "O": "AO", "O:": "AO", "O2": "AO", "O@": "AO R", "o@": "AO R", "oU": "OW", "oU#": "OW",
    "OI": "OY", "E": "EH", "E2": "EH", "e": "EH", "e@": "EH R", "eI": "EY", "3": "ER",
    "3:": "ER", "@": "AH", "@2": "AH", "@5": "AH", "@L": "AH L", "@r": "ER", "V": "AH",
    "I": "IH", "I2": "IH", "I#": "IH", "i": "IY", "i:": "IY", "i@": "IY AH", "i@3": "IH R",
    "U": "UH", "u": "UW", "u:": "UW", "U@": "UH R",
    "p": "P", "b": "B", "t": "T", "t#": "T", "t2": "T", "d": "D", "d#": "D", "k": "K", "g": "G",
    "f": "F", "v": "V", "T": "TH", "D": "DH", "s": "S", "z": "Z", "S": "SH", "Z": "ZH",
    "tS": "CH", "dZ": "JH", "h": "HH", "m": "M", "n": "N", "n-": "AH N", "N": "NG", "l": "L",
    "r": "R", "r-": "R", "w": "W", "j": "Y", "*": "T", "x": "K",
}  # fmt: skip


def phones_of(phonemes: str) -> str | None:
    """Turn `espeak-ng -x --sep=_` output for one word into the dictionary's phones.

    Returns None where a phoneme is not known: a guess would be heard as another word.
    """
    names = [STRESS.sub("", name) for name in re.split(r"[_\s]+", phonemes.strip())]
    phones = [PHONES.get(name) for name in names if name]
    if not phones or None in phones:
        return None
    return " ".join(phone for phone in phones if phone is not None)


def ask_espeak(program: str, word: str) -> str | None:
    """Return the phones of a word, None when the program does not help (worker thread)."""
    if not WORD.fullmatch(word):
        return None
    try:
        done = subprocess.run(
            [program, "-v", "en-us", "-q", "-x", "--sep=_", "--stdin"],
            input=word.encode(),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return phones_of(done.stdout.decode("utf-8", "replace"))
