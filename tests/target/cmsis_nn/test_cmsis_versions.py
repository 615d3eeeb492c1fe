import pytest

from tflopt.errors import UsageError
from tflopt.target.cmsis_nn import NEWEST, VERSIONS, find_version

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_found_by_name_and_describe(version: object) -> None:
    assert find_version(str(version)) is version
    assert find_version(str(version).upper() + " ") is version


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("v7.0.0", "7.0.0"),
        ("v7.0.0-33-g4ab83cc", "4ab83cc"),
        ("4ab83cc3f1", "4ab83cc"),
        ("99f736a6d9c2", "99f736a"),
    ],
)
def test_found_by_other_spellings(text: str, name: str) -> None:
    assert find_version(text).name == name


@pytest.mark.parametrize("text", ["", "8.0.0", "4ab83c", "newest", "4ab83cczz"])
def test_unknown_versions_list_the_known(text: str) -> None:
    with pytest.raises(UsageError, match=r"7\.0\.0 .*4ab83cc .*99f736a") as error:
        find_version(text)
    assert error.value.exit_code == 2


def test_the_newest_is_last_by_date() -> None:
    assert max(VERSIONS, key=lambda version: version.date) is NEWEST
