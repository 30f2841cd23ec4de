"""The numbers that states give to people, each with its shape, its names and its check.

A shape that few other numbers have, with a check of two digits or a date inside, stands alone;
``needs_name`` marks the ones that a tenth of all numbers of that length would pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.de import idnr as steuer_id
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import itin, ssn
from stdnum.za import idnr as za_id

_NEVER = r"(?!)"


@dataclass(frozen=True)
class NationalNumber:
    """One state's number for a person.

    Attributes:
        shape: How it is written, not inside a longer word or number.
        names: What texts call it, at the end of what stands before it.
        is_valid: Whether its check digits, and its date if it has one, are right.
        needs_name: Whether it counts only beside its name.
    """

    shape: re.Pattern[str]
    names: re.Pattern[str]
    is_valid: Callable[[str], bool]
    needs_name: bool


def _kind(
    shape: str, names: str, is_valid: Callable[[str], bool], *, needs_name: bool = False
) -> NationalNumber:
    return NationalNumber(
        re.compile(rf"(?<![\w.,+/-])(?:{shape})(?![\w/-])(?![.,]\d)", re.ASCII),
        re.compile(rf"(?i)(?<![a-z])(?:{names})(?![a-z])[^\n]{{0,24}}$"),
        is_valid,
        needs_name,
    )


def _is_nino(value: str) -> bool:
    """Return whether a British National Insurance number has letters that are given out."""
    prefix = value[:2].upper()
    return prefix not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def _is_ssn(value: str) -> bool:
    return bool(ssn.is_valid(re.sub(r"\D", "", value)))


_SSN_NAMES = r"ssn|social security(?: number| no\.?| card)?|social"

NATIONAL = (
    _kind(r"\d{3}-\d{2}-\d{4}", _SSN_NAMES, _is_ssn),
    _kind(r"\d{3}[ .]?\d{2}[ .]?\d{4}", _SSN_NAMES, _is_ssn, needs_name=True),
    _kind(r"9\d{2}-\d{2}-\d{4}", r"itin|taxpayer", itin.is_valid),
    _kind(
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        r"nino?|national insurance(?: number| no\.?)?",
        _is_nino,
    ),
    _kind(r"\d{3} \d{3} \d{4}|\d{10}", r"nhs(?: number| no\.?)?", nhs.is_valid, needs_name=True),
    _kind(r"\d{8}-?[A-Z]", r"dni|nif", dni.is_valid),
    _kind(r"[XYZ]-?\d{7}-?[A-Z]", r"nie", nie.is_valid),
    _kind(r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]", r"codice fiscale", codicefiscale.is_valid),
    _kind(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", r"hetu|henkil\u00f6tunnus", hetu.is_valid),
    _kind(r"[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d", r"nir|insee", nir.is_valid),
    _kind(r"\d{3}\.\d{3}\.\d{3}-\d{2}", r"cpf", cpf.is_valid),
    _kind(r"\d{17}[\dX]", r"resident identity|shenfenzheng", ric.is_valid),
    _kind(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d", r"curp", curp.is_valid),
    _kind(r"\d{6}-[1-8]\d{6}", r"rrn|resident registration", rrn.is_valid),
    _kind(r"(?:\d\d)?\d{6}[-+]\d{4}", r"personnummer", personnummer.is_valid),
    _kind(
        r"\d{6} ?\d{5}", r"f\u00f8dselsnummer|personnummer", fodselsnummer.is_valid, needs_name=True
    ),
    _kind(r"\d{6}-?\d{4}", r"cpr(?:-nummer)?", cpr.is_valid, needs_name=True),
    _kind(r"\d{11}", r"pesel", pesel.is_valid, needs_name=True),
    _kind(r"[2-9]\d{3} \d{4} \d{4}", r"aadhaar|uid", aadhaar.is_valid, needs_name=True),
    _kind(
        r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]",
        r"pan(?: card| number)?",
        pan.is_valid,
        needs_name=True,
    ),
    _kind(r"\d\d ?\d{3} ?\d{3} ?\d{3}", r"steuer-?id\w*|idnr", steuer_id.is_valid, needs_name=True),
    _kind(r"\d{8,9}", r"bsn|burgerservicenummer|sofi", bsn.is_valid, needs_name=True),
    _kind(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", r"rijksregister\w*|registre national", nn.is_valid),
    _kind(r"756\.?\d{4}\.?\d{4}\.?\d{2}", r"ahv\w*|avs", ahv.is_valid),
    _kind(
        r"\d{3}[ -]?\d{3}[ -]?\d{3}",
        r"sin|social insurance(?: number)?",
        sin.is_valid,
        needs_name=True,
    ),
    _kind(r"\d{3} ?\d{3} ?\d{2,3}", r"tfn|tax file(?: number)?", tfn.is_valid, needs_name=True),
    _kind(r"\d{13}", r"id|identity(?: number)?", za_id.is_valid, needs_name=True),
)

DOCUMENTS = re.compile(
    r"(?i)\b(?:passport|dl(?= ?#)|driv(?:er'?s?|ers'|ing) licen[cs]e|identity card|medicare"
    r"|national id(?:entity)?(?: card)?|tax(?:payer)? id(?:entification)?|residence permit)"
    r"(?: (?:number|no\.?|nr\.?|#|id|card)){0,2}[ :#-]{0,3}(?:is|was)?[ :#]{1,3}"
    r"(?P<value>(?=[A-Z-]{0,6}\d)[A-Z0-9](?:-?[A-Z0-9]){5,17})(?![\w-])"
)
"""A number of a document of a person, as far as the text calls it one."""
