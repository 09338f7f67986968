# Nobody answered, so all days stay.
len(days)
