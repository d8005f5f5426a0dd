"""ANSI X12 811 "Consolidated Service Invoice/Statement", the electronic telecom bill of North America."""
