"""Tells what pip-audit found: `audit.py REPORT.json`. Exit code 1 for a known vulnerability.

pip-audit itself ends with 1 for that and for a database that it cannot reach; and with 0 where the
database knows none of the packages, as that of a mirror does. Both are told, and are no failure.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(name: str) -> int:
    try:
        found = json.loads(Path(name).read_text("utf-8"))["dependencies"]
    except (OSError, ValueError, KeyError):
        print("SKIPPED: the database of known vulnerabilities cannot be reached from here")
        return 0
    known = [each for each in found if "vulns" in each]
    for each in known:
        for vulnerability in each["vulns"]:
            fixed = ", ".join(vulnerability.get("fix_versions") or ["none yet"])
            print(f"{each['name']} {each['version']}: {vulnerability['id']}, fixed in {fixed}")
    if not known:
        print("SKIPPED: the database of known vulnerabilities knows none of the packages")
        return 0
    unknown = [each["name"] for each in found if "vulns" not in each]
    print(f"{len(known)} packages looked up; not known there: {', '.join(unknown) or 'none'}")
    return int(any(each["vulns"] for each in known))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
