"""Writes the golden .npy files of this folder with NumPy; run here: python3 make_npy.py"""

import numpy as np
from numpy.lib import format as npy

# Values that tell byte orders, index orders and precisions apart.
table = np.array([[1.5, -2.0, 1 / 3], [4.0, 1e-30, -6.25]])

np.save("f8.npy", table)
np.save("f4.npy", table.astype("<f4"))
np.save("f8_big_endian.npy", table.astype(">f8"))
np.save("f4_big_endian.npy", table.astype(">f4"))
np.save("f8_fortran.npy", np.asfortranarray(table))
np.save("f4_big_endian_fortran.npy", np.asfortranarray(table.astype(">f4")))
np.save("f8_vector.npy", table.ravel())
np.save("f4_no_rows.npy", np.zeros((0, 2), "<f4"))
np.save("f8_cube.npy", np.stack([table, table + 1]))
np.save("f4_not_finite.npy", np.array([[np.nan, np.inf], [-np.inf, 0]], "<f4"))
for version in (2, 3):
    with open(f"f8_version_{version}.npy", "wb") as file:
        npy.write_array(file, table, version=(version, 0))

np.save("bad_scalar.npy", np.float64(1))
np.save("bad_int64.npy", np.arange(6).reshape(2, 3))
np.save("bad_bool.npy", np.ones((2, 3), bool))
np.save("bad_complex.npy", table.astype("c16"))
np.save("bad_half.npy", table.astype("f2"))
np.save("bad_object.npy", np.array([[None, 1]], object), allow_pickle=True)
np.save("bad_structured.npy", np.zeros(2, [("x", "<f4"), ("y", "<f4")]))
np.save("bad_no_columns.npy", np.zeros((2, 0)))
