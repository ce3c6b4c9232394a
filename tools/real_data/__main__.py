"""`python -m tools.real_data [PART…]`: fetches the parts named, or all; `--list` says what there is."""

import argparse
import sys

from tools.real_data.fetch import FetchError, fetch, folder, is_fetched
from tools.real_data.parts import PARTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.real_data", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--list", action="store_true", help="which parts there are, and whether they are here")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.parts if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    if arguments.list:
        for name in PARTS:
            print(f"{name:<12} {'here' if is_fetched(name) else 'not here'}")
        return 0
    try:
        fetch(arguments.parts or PARTS)
    except FetchError as error:
        print(f"real data: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"real data: all there, in {folder()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
