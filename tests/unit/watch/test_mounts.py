"""Which file system holds a folder, as the kernel lists mounts."""

import pytest

from whisperd.watch.mounts import file_system, is_remote
from whisperd.watch.root import Root, is_unmounted

MOUNTS = rb"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
30 22 0:40 / /home/ada/cloud rw - fuse.rclone remote: rw
31 22 0:41 / /mnt/share\040with\040space rw master:3 propagate_from:2 - cifs //server/share rw
32 22 8:1 / /mnt/usb rw - vfat /dev/sda1 rw
33 22 8:2 / /mnt/usb rw - exfat /dev/sda2 rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "remote"),
    [
        (b"/", "ext4", False),
        (b"/home/ada", "ext4", False),
        (b"/home/ada/cloudy", "ext4", False),
        (b"/home/ada/cloud", "fuse.rclone", True),
        (b"/home/ada/cloud/deep/er", "fuse.rclone", True),
        (b"/mnt/share with space/x", "cifs", True),
        (b"/mnt/usb", "exfat", False),
    ],
)
def test_the_innermost_and_latest_mount_holds_a_path(path: bytes, kind: str, remote: bool) -> None:
    assert file_system(path, MOUNTS) == kind
    assert is_remote(kind) is remote


def test_this_machine_s_own_root_is_found() -> None:
    assert file_system(b"/") != "unknown"


def test_an_empty_folder_on_another_device_is_one_that_nothing_is_mounted_on() -> None:
    mount_point = Root(path=b"/mnt", device=1, inode=2, file_system="ext4", remote=False, empty=True)
    assert is_unmounted(mount_point, last_device=40, known_files=3)
    assert not is_unmounted(mount_point, last_device=1, known_files=3)
    assert not is_unmounted(mount_point, last_device=40, known_files=0)
    assert not is_unmounted(mount_point, last_device=None, known_files=0)
