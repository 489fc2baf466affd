from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import importlib_metadata
import pytest

from epochal import (
    AmbiguousCallbackError,
    CallbackImportError,
    IncompatibleCallbackError,
    UnknownCallbackError,
)
from epochal.installed.discovery import Catalogue, Record, Status, discover
from epochal.settings.names import CallbackName

if TYPE_CHECKING:
    from .conftest import Site


def only(site: Site) -> Record:
    record: Record
    (record,) = site.catalogue().records
    return record


def test_a_record_is_what_the_metadata_says(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", "1.2.3", callbacks={"fake_one": "fake_package.inner:Thing.part"})
    record = discover().find("fake_one")
    assert record == Record(
        CallbackName("fake_one"), CallbackName("fake_package.inner:Thing.part"), "fake-dist", "1.2.3"
    )
    assert record.status is Status.OK
    assert record.reason == ""
    assert record.origin == "fake-dist 1.2.3"
    assert record.module == "fake_package.inner"
    assert not record.autoload


def test_a_second_group_tells_what_is_active_by_itself(site: Site) -> None:
    site.package("fake_package")
    entries = {"fake_one": "fake_package:One", "fake_two": "fake_package:Two"}
    site.distribution("fake-dist", callbacks=entries, autoload={"fake_two": "fake_package:Two"})
    found = discover()
    assert not found.find("fake_one").autoload
    assert found.find("fake_two").autoload
    assert [record.name for record in site.catalogue().autoloaded()] == ["fake_two"]


def test_a_distribution_cannot_switch_on_the_callback_of_another(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"fake_one": "fake_package:One"})
    site.distribution("other-dist", autoload={"fake_one": "fake_package:One"})
    assert site.catalogue().autoloaded() == []


def test_discovery_imports_nothing_of_theirs(site: Site) -> None:
    site.package("fake_explosive", "raise AssertionError('it was imported')")
    site.distribution("fake-dist", callbacks={"fake_one": "fake_explosive.deep.down:One"})
    found = discover()
    assert found.find("fake_one").status is Status.OK
    assert found.find("fake_one").loaded() is None
    assert found.record_of("text") is None
    assert "fake_explosive" not in sys.modules


def test_records_are_sorted_whatever_the_order_of_the_folders(site: Site) -> None:
    site.package("fake_package")
    for name in ("zeta", "alpha", "mu"):
        site.distribution(f"{name}-dist", callbacks={f"fake_{name}": "fake_package:One"})
    assert [record.name for record in site.catalogue().records] == ["fake_alpha", "fake_mu", "fake_zeta"]


def test_loading_gives_what_the_entry_point_names(site: Site) -> None:
    site.package("fake_package", "class One:\n    class Inner: pass\n")
    entries = {"module": "fake_package", "kind": "fake_package:One", "inner": "fake_package:One.Inner"}
    site.distribution("fake-dist", callbacks=entries)
    found = site.catalogue()
    module = found.find("module").load()
    assert module is sys.modules["fake_package"]
    assert found.find("kind").load() is module.One
    assert found.find("inner").load() is module.One.Inner


def test_what_is_imported_already_is_recognized_by_its_class(site: Site) -> None:
    site.package("fake_package", "class One: pass\nclass Two(One): pass\n")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One", "module": "fake_package"})
    found = site.catalogue()
    kind = found.find("one").load()
    assert found.find("one").loaded() is kind
    record = found.record_of(kind())
    assert record is not None
    assert record.name == "one"
    assert found.record_of(sys.modules["fake_package"].Two()) is None
    module_record = found.record_of(sys.modules["fake_package"])
    assert module_record is not None
    assert module_record.name == "module"


def test_a_name_that_nobody_installed_is_an_error_with_the_nearest_one(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"fake_stopping": "fake_package:One"})
    with pytest.raises(UnknownCallbackError) as raised:
        discover().find("fake_stoping")
    assert "'fake_stoping'" in str(raised.value)
    assert "Did you mean 'fake_stopping'?" in str(raised.value)
    assert "`epochal list` shows" in str(raised.value)
    assert raised.value.callback == "fake_stoping"


def test_a_name_far_from_all_others_gets_no_suggestion() -> None:
    with pytest.raises(UnknownCallbackError) as raised:
        Catalogue().find("xyz")
    assert "Did you mean" not in str(raised.value)


def test_a_name_that_may_be_installed_tells_the_distribution_that_brings_it_by_convention() -> None:
    with pytest.raises(UnknownCallbackError, match="`pip install epochal-csv-logger`, if that is what you want"):
        Catalogue().find("csv_logger")


@pytest.mark.parametrize("name", ["", "CSVLogger", "my logger", "a.b", "../x", "x; rm"])
def test_what_is_no_name_of_a_callback_is_no_distribution_to_install(name: str) -> None:
    with pytest.raises(UnknownCallbackError) as raised:
        Catalogue().find(name)
    assert "pip install" not in str(raised.value)


@pytest.mark.parametrize(
    "requirement", ["epochal-core>=99", "Epochal_Core (>=99)", "epochal.core ~= 99.0 ; python_version > '3'"]
)
def test_a_plugin_for_another_core_is_a_record_with_the_reason(site: Site, requirement: str) -> None:
    site.package("fake_package", "class One: pass")
    site.distribution("fake-dist", "3.1", callbacks={"one": "fake_package:One"}, requires=["numpy", requirement])
    record = only(site)
    assert record.status is Status.INCOMPATIBLE
    assert "99" in record.reason
    assert f"epochal-core {importlib_metadata.version('epochal-core')} is installed" in record.reason
    with pytest.raises(IncompatibleCallbackError) as raised:
        record.load()
    for part in ("'one'", "fake-dist 3.1", "99", "pip install"):
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "fake_package" not in sys.modules


@pytest.mark.parametrize(
    "requirement",
    [
        "epochal-core",
        "epochal-core>=0.0.1",
        "epochal-core>=99; extra == 'next'",
        "epochal-core>=99; python_version < '3'",
        "epochal-core-extras>=99",
        "epochal>=99",
    ],
)
def test_a_requirement_that_holds_or_does_not_apply_leaves_the_plugin_alone(site: Site, requirement: str) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One"}, requires=[requirement])
    assert only(site).status is Status.OK


def test_a_requirement_that_cannot_be_read_is_a_reason(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One"}, requires=["epochal-core >== 1"])
    record = only(site)
    assert record.status is Status.INCOMPATIBLE
    assert "not a valid requirement" in record.reason


def test_two_distributions_with_one_name_are_an_error_that_names_both(site: Site) -> None:
    site.package("fake_package", "class One: pass")
    site.distribution("first-dist", "1.0", callbacks={"one": "fake_package:One"})
    site.distribution("second-dist", "2.0", callbacks={"one": "fake_package:One", "two": "fake_package:One"})
    found = discover()
    claims = [record for record in found.records if record.name == "one"]
    assert [record.status for record in claims] == [Status.DUPLICATE, Status.DUPLICATE]
    assert found.find("two").status is Status.OK
    with pytest.raises(AmbiguousCallbackError) as raised:
        found.find("one").load()
    uninstall = ("pip uninstall first-dist", "pip uninstall second-dist")
    for part in ("'one'", "first-dist 1.0", "second-dist 2.0", *uninstall, '`prefer = {one = "first-dist"}`'):
        assert part in str(raised.value)


def test_a_distribution_without_a_version_is_said_to_have_none(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One"})
    (site.folder / "fake_dist-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-dist\n")
    site.refresh()
    assert only(site).status is Status.OK
    assert only(site).origin == "fake-dist of unknown version"


def test_of_two_folders_with_one_distribution_the_first_counts(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", "2.0", callbacks={"one": "fake_package:One", "two": "fake_package:One"})
    later = site.folder.parent / "later" / "fake_dist-1.0.dist-info"
    later.mkdir(parents=True)
    (later / "METADATA").write_text("Metadata-Version: 2.1\nName: Fake_Dist\nVersion: 1.0\n")
    (later / "entry_points.txt").write_text("[epochal.callbacks]\none = fake_package:One\nold = fake_package:Old\n")
    sys.path.append(str(later.parent))
    try:
        site.refresh()
        found = discover()
        assert found.find("one").version == "2.0"
        assert found.find("one").status is Status.OK
        with pytest.raises(UnknownCallbackError):
            found.find("old")
    finally:
        sys.path.remove(str(later.parent))


@pytest.mark.parametrize("value", ["not a module", "fake_package:", "fake_package:One()", "1bad:One", "a..b:C"])
def test_a_malformed_entry_point_is_a_record_with_the_reason(site: Site, value: str) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", "1.0", callbacks={"one": value})
    record = only(site)
    assert record.status is Status.BROKEN
    assert repr(value) in record.reason
    assert discover().find("one") == record
    with pytest.raises(CallbackImportError, match=r"fake-dist 1\.0") as raised:
        record.load()
    assert "'one'" in str(raised.value)


def test_a_missing_package_is_a_record_with_the_reason(site: Site) -> None:
    site.distribution("fake-dist", "1.0", callbacks={"one": "fake_gone.module:One"})
    record = only(site)
    assert record.status is Status.BROKEN
    assert "'fake_gone' is not there" in record.reason
    assert "pip install --force-reinstall fake-dist" in record.reason
    assert record.loaded() is None


def test_a_namespace_package_is_there(site: Site) -> None:
    (site.folder / "fake_namespace").mkdir()
    (site.folder / "fake_namespace" / "module.py").write_text("class One: pass")
    site.distribution("fake-dist", callbacks={"one": "fake_namespace.module:One"})
    assert only(site).load().__name__ == "One"


def test_a_package_that_an_import_hook_finds_is_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """setuptools, meson-python and others make editable installs with a finder on sys.meta_path."""
    from importlib.util import spec_from_file_location

    elsewhere = site.folder.parent / "elsewhere.py"
    elsewhere.write_text("class One: pass")

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            return spec_from_file_location(name, elsewhere) if name == "fake_editable" else None

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "fake_editable", raising=False)
    site.distribution("fake-dist", callbacks={"one": "fake_editable:One"})
    assert only(site).status is Status.OK


def test_a_missing_class_is_an_import_error_with_its_distribution(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", "1.0", callbacks={"one": "fake_package:Gone"})
    with pytest.raises(CallbackImportError) as raised:
        only(site).load()
    for part in (
        "'one'",
        "fake-dist 1.0",
        "'fake_package:Gone'",
        "AttributeError",
        "Its entry point in fake-dist names what is not there.",
    ):
        assert part in str(raised.value)


def test_a_module_that_raises_at_import_is_an_import_error_with_the_cause(site: Site) -> None:
    site.package("fake_explosive", "raise ImportError('libfoo.so is missing')")
    site.distribution("fake-dist", "1.0", callbacks={"one": "fake_explosive:One"})
    with pytest.raises(CallbackImportError, match=r"libfoo\.so is missing") as raised:
        only(site).load()
    assert isinstance(raised.value.__cause__, ImportError)
    assert "fake-dist 1.0" in str(raised.value)


def test_the_error_of_an_import_is_one_line_whatever_the_cause_says(site: Site) -> None:
    site.package("fake_explosive", "raise ImportError('one\\ntwo\\n\\nthree')")
    site.distribution("fake-dist", "1.0", callbacks={"one": "fake_explosive:One"})
    with pytest.raises(CallbackImportError) as raised:
        only(site).load()
    assert "\n" not in str(raised.value)


def test_a_distribution_without_metadata_does_not_break_the_others(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One"})
    site.distribution("broken-dist", callbacks={"two": "fake_package:Two"})
    (site.folder / "broken_dist-1.0.dist-info" / "METADATA").unlink()
    site.refresh()
    assert discover().find("one").status is Status.OK


def test_a_line_that_is_no_entry_point_does_not_break_the_others(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One"})
    site.distribution("broken-dist", callbacks={"two": "fake_package:Two"})
    (site.folder / "broken_dist-1.0.dist-info" / "entry_points.txt").write_text("[epochal.callbacks]\nnonsense\n")
    site.refresh()
    assert discover().find("one").status is Status.OK


def test_without_installed_callbacks_the_catalogue_is_empty(site: Site) -> None:
    assert site.catalogue().records == ()
    assert site.catalogue().autoloaded() == []


def test_a_folder_that_is_named_otherwise_than_its_metadata_is_no_crash(site: Site) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One"})
    (site.folder / "fake_dist-1.0.dist-info").rename(site.folder / "other_name-1.0.dist-info")
    site.refresh()
    assert discover().find("one").distribution == "fake-dist"


@pytest.mark.parametrize("file", ["METADATA", "entry_points.txt"])
def test_metadata_that_is_no_text_breaks_nothing_else(site: Site, file: str) -> None:
    site.package("fake_package")
    site.distribution("fake-dist", callbacks={"one": "fake_package:One"})
    site.distribution("broken-dist", callbacks={"two": "fake_package:Two"})
    (site.folder / "broken_dist-1.0.dist-info" / file).write_bytes(b"[epochal.callbacks]\nName: \xff\xfe")
    site.refresh()
    assert discover().find("one").status is Status.OK


def test_the_advice_for_a_missing_dependency_names_it(site: Site) -> None:
    site.package("fake_hungry", "import not_there_at_all")
    site.distribution("fake-dist", callbacks={"one": "fake_hungry:One"})
    with pytest.raises(CallbackImportError, match="It needs 'not_there_at_all', which is not installed"):
        only(site).load()


def test_what_was_read_is_kept_until_something_is_installed_or_removed(site: Site) -> None:
    before = discover()
    assert discover() is before
    site.package("late_package", "class Late: ...")
    site.distribution("late-one", callbacks={"late": "late_package:Late"})
    assert [record.name for record in discover().records if record.distribution == "late-one"] == ["late"]
    shutil.rmtree(next(site.folder.glob("late_one-*")))
    site.refresh()
    assert [record.name for record in discover().records if record.distribution == "late-one"] == []
