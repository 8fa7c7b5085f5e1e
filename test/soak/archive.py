"""The archive as it lies in a directory repository: which segments are there."""
import os

SEGMENT = 1 << 20


def segment_name(timeline, lsn):
    number = lsn // SEGMENT
    per_id = (1 << 32) // SEGMENT
    return f"{timeline:08X}{number // per_id:08X}{number % per_id:08X}"


class Archive:
    def __init__(self, directory):
        self.directory = directory

    def path_of(self, name):
        of_range = [name[8:14], name[14:22]] if len(name) >= 24 else []
        return os.path.join(self.directory, "wal", name[:8].lower(), *of_range, name)

    def has(self, name):
        return os.path.exists(self.path_of(name))

    def has_branch(self, branch):
        return branch.parent is None or self.has(f"{branch.timeline:08X}.history")

    def unbroken_until(self, branch, lsn):
        """The end of the last segment that a recovery along the branch can read when it begins at a position."""
        at = lsn - lsn % SEGMENT
        # The timeline of a segment is that of its last byte: a branch's first segment begins with its parent's records.
        while self.has(segment_name(branch.timeline_at(at + SEGMENT - 1), at)):
            at += SEGMENT
        return at

    def lose(self, branch, lsn):
        """Removes a segment, as somebody's clean-up did; its name, or None when it was not there."""
        name = segment_name(branch.timeline_at(lsn - lsn % SEGMENT + SEGMENT - 1), lsn)
        if not self.has(name):
            return None
        os.unlink(self.path_of(name))
        return name
