"""How the emulator says no: with the real tool's text where it has one, in its own name where it does not."""

import getopt


class Refusal(Exception):
    def __init__(self, text, status=1):
        super().__init__(text)
        self.text = text
        self.status = status


def usage(text):
    """Real zfs prints the usage after a wrong command line and ends with 2."""
    return Refusal(text + "\nusage:\n\tsee zfs(8) and zpool(8)", 2)


def not_emulated(what):
    """For what real ZFS has and the emulator has not: never a silent success."""
    return Refusal("drayage lab emulator: " + what + " is not emulated", 64)


def options(arguments, letters, known_to_zfs=""):
    """getopt with zfs's words for an unknown letter; letters that only real zfs knows are refused by name."""
    try:
        return getopt.gnu_getopt(arguments, letters)
    except getopt.GetoptError as error:
        if error.opt in known_to_zfs and error.opt:
            raise not_emulated("option -" + error.opt)
        if "requires argument" in error.msg:
            raise usage("missing argument for '%s' option" % error.opt)
        raise usage("invalid option '%s'" % error.opt)
