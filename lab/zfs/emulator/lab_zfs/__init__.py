"""The parts of the lab's zfs emulator. Standard library of python3-minimal only: that is what the node has."""
