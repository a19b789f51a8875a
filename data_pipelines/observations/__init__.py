"""Files of real observations become one table of reports. Nothing here knows of cycles."""
