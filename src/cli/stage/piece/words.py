# You answered in your own words. A script cannot read them, so all days stay.
len(days)
