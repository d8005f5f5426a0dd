"""`python -m sample_data --out DIR`: write the sample organization and print its figures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sample_data import SMALL, generate


def main() -> int:
    """Parse the arguments, generate, print the summary; 2 on bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m sample_data", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write below")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--services", type=int, default=2500)
    parser.add_argument("--months", type=int, default=18)
    parser.add_argument("--small", action="store_true", help="the size of the committed small sample")
    given = parser.parse_args()
    size = SMALL if given.small else {"seed": given.seed, "services": given.services, "months": given.months}
    try:
        print(generate(given.out, **size))
    except (ValueError, OSError) as error:
        print(f"sample_data: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
