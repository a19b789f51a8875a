"""A variable that Align-DA does not know."""

from align_da.atmosphere.variables import Variable

OZONE = Variable(
    name="ozone",
    standard_name="mass_fraction_of_ozone_in_air",
    units="kg kg-1",
    symbol="O3",
    location="levels",
    bounds=(-1.0e-6, 3.0e-5),
    observation_error=5.0e-8,
)
