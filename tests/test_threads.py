import subprocess
import sys

from threadpoolctl import threadpool_info

from automl.threads import limited_threads


def test_only_the_block_is_limited():
    before = [each["num_threads"] for each in threadpool_info()]
    with limited_threads(1):
        assert {each["num_threads"] for each in threadpool_info()} == {1}
    assert [each["num_threads"] for each in threadpool_info()] == before


def test_libraries_that_were_loaded_later_are_limited_too():
    code = """
from threadpoolctl import threadpool_info
from automl.threads import limited_threads

with limited_threads(1):
    pass
assert not threadpool_info()
import numpy

with limited_threads(1):
    found = [each["num_threads"] for each in threadpool_info()]
assert found == [1]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
