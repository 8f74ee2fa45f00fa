"""The report: one page that holds everything and needs nothing, from the disk, without a net, in light and dark."""
