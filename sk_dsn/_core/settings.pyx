"""The enumerations of settings.pxd, as Python sees them."""
