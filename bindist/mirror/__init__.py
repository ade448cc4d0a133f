"""Mirrors: the versions of a server as a plain folder, for sites without a network.

    from bindist import AdminClient, CustomerClient, mirror

    with CustomerClient(url, key) as client:
        mirror.pull(client, "mirror")
    mirror.verify("mirror")
    with AdminClient(other_url, other_key) as client:
        mirror.push(client, "mirror", create_applications=True)

The folder is a tree that anyone can read: `APP/VERSION/FILE`. Beside each version stand
`APP/VERSION+version.json`, what the server says of it, and `APP/VERSION+SHA256SUMS`, for
`sha256sum -c` in the folder of the application. (`+` is in no version's name.) `index.json` tells
what the mirror has, when it was pulled, and from which server.
"""

from __future__ import annotations

from .layout import Mirror, MirroredFile, MirroredVersion
from .pulling import Planned, Pulled, Selection, plan, pull
from .pushing import Pushed, push
from .verifying import Verified, verify

__all__ = [
    "Mirror",
    "MirroredFile",
    "MirroredVersion",
    "Planned",
    "Pulled",
    "Pushed",
    "Selection",
    "Verified",
    "plan",
    "pull",
    "push",
    "verify",
]
