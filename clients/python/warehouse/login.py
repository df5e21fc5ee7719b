"""The logins that `warehouse login` keeps, as tokens for calls.

The file is WAREHOUSE_LOGINS, else warehouse/logins.json in XDG_CONFIG_HOME, else in ~/.config; mode 0600, by server. A token that ends is renewed as
the command line does it: under the file's lock, since what a token is renewed with is good for once at many providers. Where the server wants tokens
that are bound to a key (DPoP, RFC 9449), each call has a proof of its own; that needs python3-cryptography.
"""
from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator, List, Optional, Tuple

_MARGIN_SECONDS, _TIMEOUT_SECONDS, _MAX_BYTES, _LOCK_TRIES = 30, 30, 1 << 20, 100


class LoginError(Exception):
    """There is no login that holds, or its file cannot be used; rule is the command line's word for it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


def default_path() -> str:
    """The file of this user."""
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.environ.get("WAREHOUSE_LOGINS") or os.path.join(folder, "warehouse", "logins.json")


class Login:
    """The login at one server. Threads: any."""

    def __init__(self, server: str, path: Optional[str] = None) -> None:
        self._server, self._path = server, path or default_path()
        self._gate = threading.Lock()
        self._entry: Optional[Dict[str, Any]] = self._read().get(server)

    @property
    def exists(self) -> bool:
        return self._entry is not None

    @property
    def authorities(self) -> Optional[bytes]:
        """PEM of the authorities of the server's certificate; None for those of the system."""
        text = (self._entry or {}).get("Authorities")
        return text.encode("ascii") if text else None

    def headers(self, url: str) -> List[Tuple[str, str]]:
        """What a call of this URL shows."""
        with self._gate:
            if self._entry is None or not _holds(self._entry):
                self._entry = self._renewed()
            entry = self._entry
        token = entry["Token"]
        if not entry.get("Key"):
            return [("authorization", "Bearer " + token)]
        return [("authorization", "DPoP " + token), ("dpop", prove(entry["Key"], url, token=token))]

    def _renewed(self) -> Dict[str, Any]:
        with self._locked():
            # Whoever held the lock before may have renewed it.
            entry = self._read().get(self._server)
            if entry is None:
                raise LoginError("no_login", "there is no login at this server: warehouse login --server " + self._server)
            if _holds(entry):
                return entry
            if not entry.get("Refresh"):
                raise LoginError("over", "there is no login that holds: warehouse login --server " + self._server)
            entry = _refresh(entry)
            everything = self._read()
            everything[self._server] = entry
            self._write(everything)
            return entry

    def _read(self) -> Dict[str, Dict[str, Any]]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as failure:
            raise LoginError("logins-file", "the file of logins cannot be read") from failure
        with os.fdopen(descriptor, "rb") as stream:
            facts = os.fstat(stream.fileno())
            if facts.st_mode & 0o177 or facts.st_uid != os.geteuid():
                raise LoginError("logins-open", "the file of logins is open to others, who may know the logins in it: log in again, which replaces it")
            text = stream.read(_MAX_BYTES + 1)
        try:
            everything = json.loads(text or b"{}")
            if len(text) > _MAX_BYTES or not isinstance(everything, dict) or not all(isinstance(e, dict) and isinstance(e.get("Token"), str) for e in everything.values()):
                raise ValueError
            return everything
        except ValueError as failure:
            raise LoginError("logins-file", "the file of logins is not understood: remove it, and log in again") from failure

    def _write(self, everything: Dict[str, Dict[str, Any]]) -> None:
        descriptor, fresh = tempfile.mkstemp(dir=os.path.dirname(self._path))  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(everything, stream)
            os.replace(fresh, self._path)
        except BaseException:
            os.unlink(fresh)
            raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for left in range(_LOCK_TRIES, -1, -1):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as failure:
                    if left == 0:
                        raise LoginError("logins-busy", "another process holds the file of logins") from failure
                    time.sleep(0.1)
            yield
        finally:
            os.close(descriptor)


def prove(key: str, url: str, *, token: Optional[str] = None, nonce: Optional[str] = None) -> str:
    """A proof for one POST that the caller has a key (PEM, P-256)."""
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, utils
    except ImportError as failure:
        raise LoginError("no-cryptography", "this server wants tokens that are bound to a key: install python3-cryptography") from failure
    private = serialization.load_pem_private_key(key.encode("ascii"), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise LoginError("logins-file", "the file of logins is not understood: remove it, and log in again")
    point = private.public_key().public_numbers()
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": _base64(point.x.to_bytes(32, "big")), "y": _base64(point.y.to_bytes(32, "big"))}}
    claims: Dict[str, Any] = {"jti": _base64(secrets.token_bytes(16)), "htm": "POST", "htu": url, "iat": int(time.time())}
    if token is not None:
        claims["ath"] = _base64(hashlib.sha256(token.encode("ascii")).digest())
    if nonce is not None:
        claims["nonce"] = nonce
    signed = _base64(json.dumps(header).encode("ascii")) + "." + _base64(json.dumps(claims).encode("ascii"))
    r, s = utils.decode_dss_signature(private.sign(signed.encode("ascii"), ec.ECDSA(hashes.SHA256())))
    return signed + "." + _base64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _holds(entry: Dict[str, Any]) -> bool:
    # .NET writes seven digits of a second's parts, and Python of Debian reads three or six.
    until = datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", lambda m: m.group(1).ljust(7, "0"), entry["Until"]).replace("Z", "+00:00"))
    return until - datetime.now(timezone.utc) > timedelta(seconds=_MARGIN_SECONDS)


def _refresh(entry: Dict[str, Any]) -> Dict[str, Any]:
    """Asks the provider for a token in place of one."""
    discovery, _ = _ask(entry["Issuer"].rstrip("/") + "/.well-known/openid-configuration", None, {})
    if discovery.get("issuer") != entry["Issuer"] or not isinstance(discovery.get("token_endpoint"), str):
        raise LoginError("issuer", "the identity provider calls itself by another name")
    to, key, nonce = discovery["token_endpoint"], entry.get("Key"), None
    form = {"grant_type": "refresh_token", "refresh_token": entry["Refresh"], "client_id": entry["Client"], "resource": entry["Audience"]}
    while True:
        asked = datetime.now(timezone.utc)
        answer, said = _ask(to, form, {"DPoP": prove(key, to.partition("?")[0], nonce=nonce)} if key else {})
        if answer.get("error") != "use_dpop_nonce" or nonce is not None or not said:
            break
        nonce = said
    if not isinstance(answer.get("access_token"), str) or str(answer.get("token_type", "")).lower() != ("dpop" if key else "bearer"):
        code = answer.get("error")
        raise LoginError("over", f"there is no login that holds ({code if isinstance(code, str) and re.fullmatch('[a-z_]{1,63}', code) else 'answer'}): log in again")
    seconds = answer.get("expires_in")
    until = asked + timedelta(seconds=min(seconds, 3600) if isinstance(seconds, int) else 0)
    return {**entry, "Token": answer["access_token"], "Until": until.isoformat(), "Refresh": answer.get("refresh_token") or entry["Refresh"]}


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would take secrets along."""

    def redirect_request(self, *details: Any) -> None:
        return None


def _ask(url: str, form: Optional[Dict[str, str]], headers: Dict[str, str]) -> Tuple[Dict[str, Any], Optional[str]]:
    """An answer of the provider, and the word that it wants to find in a proof."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
        raise LoginError("https", "the identity provider is not reached over https")
    request = urllib.request.Request(url, data=urllib.parse.urlencode(form).encode("ascii") if form is not None else None, headers=headers)
    opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            text, said = answer.read(_MAX_BYTES), answer.headers.get("DPoP-Nonce")
    except urllib.error.HTTPError as refused:
        text, said = refused.read(_MAX_BYTES), refused.headers.get("DPoP-Nonce")
        refused.close()
    except OSError as failure:
        raise LoginError("provider", "the identity provider cannot be reached") from failure
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise LoginError("answer", "the identity provider's answer is not understood")
    return read, said


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
