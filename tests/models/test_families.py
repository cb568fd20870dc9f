import pytest

pytest.register_assert_rewrite("contract")

from contract import FamilyContract  # noqa: E402

from automl.models.registry import FAMILIES  # noqa: E402


class TestFamilies(FamilyContract):
    families = FAMILIES
