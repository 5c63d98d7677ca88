"""Runs every check_*() of the modules named on the command line; prints one line each. For both interpreters."""

import sys


def main():
    failed = 0
    for module_name in sys.argv[1:]:
        module = __import__(module_name)
        for name in sorted(dir(module)):
            if not name.startswith("check_"):
                continue
            try:
                getattr(module, name)()
                print("ok", module_name, name)
            except Exception as error:
                failed += 1
                print("FAILED", module_name, name)
                if hasattr(sys, "print_exception"):
                    sys.print_exception(error)
                else:
                    import traceback

                    traceback.print_exc()
    sys.exit(1 if failed else 0)


main()
