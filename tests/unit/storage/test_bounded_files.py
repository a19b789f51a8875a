"""What a file claims to hold is compared with what it can, before room is made for it."""

import io
import struct
import zipfile

import numpy as np
import pytest

from align_da.storage.bounded_files import array_of_npy, arrays_of_npz, check_growth

VALUES = np.arange(12.0).reshape(3, 4)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npy_that_claims(shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(80)


def npz(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, content in members.items():
            parts.writestr(f"{name}.npy", content)
    return file.getvalue()


@pytest.mark.parametrize(
    "array", [VALUES, VALUES.T, np.float32(3.0), np.zeros((0, 5)), np.arange(3)]
)
def test_an_array_is_read_as_it_was_written(array: np.ndarray) -> None:
    np.testing.assert_array_equal(array_of_npy(npy(array)), array)


@pytest.mark.parametrize("shape", [(10**15,), (2**40, 2**40), (11,), (9,), (-1,)])
def test_a_header_that_claims_another_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="its header claims"):
        array_of_npy(npy_that_claims(shape))


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x03\x00", npy(np.array([{}])), npz(a=npy(VALUES))]
)
def test_what_is_no_array_of_numbers_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"magic|EOF|format|[Oo]bject"):
        array_of_npy(content)


def test_arrays_are_read_by_name() -> None:
    found = arrays_of_npz(npz(a=npy(VALUES), b=npy(VALUES[0])), 10_000)
    np.testing.assert_array_equal(found["a"], VALUES)
    np.testing.assert_array_equal(found["b"], VALUES[0])


def test_arrays_that_are_too_large_or_claim_it_are_refused() -> None:
    with pytest.raises(ValueError, match="take 2000128 bytes, those of this model at most 10000"):
        arrays_of_npz(npz(a=npy(np.zeros(250_000))), 10_000)
    with pytest.raises(ValueError, match="its header claims"):
        arrays_of_npz(npz(a=npy_that_claims((10**15,))), 10_000)


def test_what_compression_explains_is_no_growth() -> None:
    check_growth(10**6, 10**9)
    with pytest.raises(ValueError, match="33000 bytes claim to become 1400000000"):
        check_growth(33_000, 1_400_000_000)
