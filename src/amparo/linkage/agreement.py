"""The agreement between agencies, and the files of encodings that travel under it.

The agreement is a readable file that every agency and the linkage unit hold: who takes part, which variables go along
in clear, what for, until when, by which scheme, and the fingerprint of the key that the agencies (and they alone)
share. A file of encodings carries the whole agreement; what does not match is refused before anything is compared.

Source: Boyd, Ferrante, O'Keefe et al. (2012), Data linkage infrastructure for cross-jurisdictional health-related
research, BMC Health Services Research 12 (separation of roles); ISO/IEC 27559:2022, cl. 6 (agreements on sharing).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import tomlkit

from amparo.intake.key import Key
from amparo.linkage.encode import BITS, SCHEME, SHAREABLE, encode
from amparo.standard.errors import AmparoError, KeyMissingError
from amparo.standard.files import replace_whole

_META = b"amparo-agreement"
_ENCODINGS = ("record_id", "list", "filter", "buckets")


@dataclass(frozen=True)
class Agreement:
    """Who shares what with whom, why, and until when.

    key : fingerprint of the agencies' common key; it tells nothing of the key.
    """

    agencies: tuple[str, ...]
    share: tuple[str, ...]
    purpose: str
    expires: date
    key: str
    scheme: str = SCHEME

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: two agreements are one if and only if this is the same."""
        return hashlib.sha256(json.dumps(_plain(self), sort_keys=True).encode()).hexdigest()


def new_agreement(agencies: Sequence[str], share: Sequence[str], purpose: str, expires: date, key: Key) -> Agreement:
    """An agreement under this key.

    Raises
    ------
    AmparoError : fewer than two agencies, no purpose, a variable that cannot be shared.
    """
    if len(set(agencies)) < 2:
        raise AmparoError("An agreement needs two agencies or more.", remedy="Name each with --agency.")
    unknown = [name for name in share if name not in SHAREABLE]
    if unknown:
        raise AmparoError(f"{unknown[0]!r} cannot be shared in clear.", remedy=f"Known: {', '.join(SHAREABLE)}.")
    if not purpose.strip():
        raise AmparoError("An agreement needs a purpose.", remedy="Say in a sentence what the linkage is for.")
    return Agreement(
        tuple(sorted(set(agencies))), tuple(dict.fromkeys(share)), purpose.strip(), expires, key.fingerprint
    )


def write_agreement(agreement: Agreement, path: Path) -> None:
    """Write it as TOML for people to read and sign."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Agreement on linking lists by keyed encodings. It holds no key and no person."))
    for name, value in _plain(agreement).items():
        document[name] = value
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def read_agreement(path: Path) -> Agreement:
    """Read what :func:`write_agreement` wrote.

    Raises
    ------
    AmparoError : it is no agreement; names the field.
    """
    try:
        return _agreement(tomlkit.parse(path.read_text(encoding="utf-8")).unwrap())
    except (OSError, UnicodeDecodeError, tomlkit.exceptions.ParseError, KeyError, TypeError, ValueError) as error:
        raise AmparoError(
            f"this is no agreement ({error}).", remedy="Make one with: amparo agreement.", where=str(path)
        ) from None


def _plain(agreement: Agreement) -> dict[str, object]:
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(agreement).items()}
    return plain | {"expires": agreement.expires.isoformat()}


def _agreement(plain: dict[str, object]) -> Agreement:
    agencies, share = plain["agencies"], plain["share"]
    if not isinstance(agencies, list) or not isinstance(share, list):
        raise TypeError("agencies and share are lists")
    return Agreement(
        tuple(str(name) for name in agencies),
        tuple(str(name) for name in share),
        str(plain["purpose"]),
        date.fromisoformat(str(plain["expires"])),
        str(plain["key"]),
        str(plain["scheme"]),
    )


def write_encodings(records: pa.Table, agreement: Agreement, agency: str, key: Key, path: Path, *, today: date) -> int:
    """Encode records of ``comparable_records`` and write them with the agreement; gives how many.

    Nothing is at ``path`` until all of it is written.

    Raises
    ------
    KeyMissingError : the key is not the agreement's.
    AmparoError : the agency takes no part, or the agreement has expired.
    """
    _in_force(agreement, today, "the agreement")
    if key.fingerprint != agreement.key:
        raise KeyMissingError(
            "the key is not the one of the agreement.", remedy="Give the key that the agencies share: --key FILE."
        )
    if agency not in agreement.agencies:
        raise AmparoError(
            f"{agency!r} takes no part in the agreement.", remedy=f"Agencies: {', '.join(agreement.agencies)}."
        )
    table = encode(records, key, agreement.share)
    table = table.set_column(table.column_names.index("list"), "list", pa.array([agency] * len(table), pa.string()))
    meta = {_META: json.dumps(_plain(agreement) | {"agency": agency}, sort_keys=True).encode()}
    content = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(meta), content)
    replace_whole(path, content.getvalue(), mode=0o600)
    return len(table)


def read_encodings(paths: Sequence[Path], agreement: Agreement, *, today: date) -> pa.Table:
    """The encodings of several agencies, fit for ``persons.link_records``.

    Raises
    ------
    AmparoError : a file is none of encodings; it was made under another agreement, scheme or key, or by an agency that
        takes no part; the agreement has expired; one agency came twice, or alone.
    """
    _in_force(agreement, today, "the agreement")
    tables: dict[str, pa.Table] = {}
    for path in paths:
        agency, table = _read_one(path, agreement)
        if agency in tables:
            raise AmparoError(
                f"{agency} is there twice; a list is not linked with itself.",
                remedy="Give one file of each agency; repetitions within a list are found anyhow.",
                where=str(path),
            )
        tables[agency] = table
    if len(tables) < 2:
        raise AmparoError("There are encodings of one agency only.", remedy="Give the files of two agencies or more.")
    return pa.concat_tables(tables.values())


def _read_one(path: Path, agreement: Agreement) -> tuple[str, pa.Table]:
    try:
        table = pq.read_table(path)
        meta = json.loads((table.schema.metadata or {})[_META])
        made_under, agency = _agreement(meta), str(meta["agency"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        raise AmparoError(
            "this is no file of encodings.", remedy="Each agency makes one with: amparo encode.", where=str(path)
        ) from None
    for name, what in (("scheme", "scheme"), ("key", "key"), ("share", "shared variables"), ("agencies", "agencies")):
        theirs, ours = getattr(made_under, name), getattr(agreement, name)
        if theirs != ours:
            raise AmparoError(
                f"its encodings were made with another {what} ({theirs} instead of {ours}) and cannot be compared.",
                remedy="Have the agency encode its list anew under this agreement.",
                where=str(path),
            )
    if made_under.digest != agreement.digest:
        raise AmparoError(
            "it was made under another agreement (purpose or expiry differ).",
            remedy="Have the agency encode its list anew under this agreement.",
            where=str(path),
        )
    if agency not in agreement.agencies:
        raise AmparoError(f"{agency!r} takes no part in the agreement.", where=str(path))
    wanted = [*_ENCODINGS, *_columns(agreement.share)]
    if set(table.column_names) != set(wanted) or any(len(one) != BITS // 8 for one in table["filter"].to_pylist()):
        raise AmparoError(
            f"its columns are not those of the agreement (expected {', '.join(wanted)}).",
            remedy="Have the agency encode its list anew.",
            where=str(path),
        )
    return agency, table.select(wanted).replace_schema_metadata(None)


def _columns(share: Sequence[str]) -> list[str]:
    return [column for name in share for column in (("year_from", "year_to") if name == "birth_years" else (name,))]


def _in_force(agreement: Agreement, today: date, where: str) -> None:
    if today > agreement.expires:
        raise AmparoError(
            f"it expired on {agreement.expires}.", remedy="Agree anew; nothing is linked without it.", where=where
        )
    if agreement.scheme != SCHEME:
        raise AmparoError(
            f"its scheme is {agreement.scheme}, this version encodes {SCHEME}.",
            remedy="Use the same version of Amparo everywhere, or agree anew.",
            where=where,
        )
