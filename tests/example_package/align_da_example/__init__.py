"""Parts of Align-DA that come from another package."""
