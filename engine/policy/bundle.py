"""The rules as a bundle that an OPA server loads: the same modules and data as in process."""

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from engine.policy.modules import UNBOUND, Bound, data, modules


def packed(folders: Sequence[Path], bound: Bound = UNBOUND) -> bytes:
    """A .tar.gz; the same rules give the same bytes, and its revision is their digest.

    Raises:
        ConfigurationError: a folder or module can't be used.
    """
    files = {f"/{name}": source.encode() for name, source in modules(folders).items()}
    values = data(folders, bound)
    files["/data.json"] = json.dumps(values, sort_keys=True).encode()
    digest = sha256(b"\0".join(name.encode() + body for name, body in sorted(files.items())))
    manifest = {"revision": digest.hexdigest()[:16], "roots": sorted({"policy", *values})}
    files["/.manifest"] = json.dumps(manifest, sort_keys=True).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, body in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return gzip.compress(out.getvalue(), mtime=0)
