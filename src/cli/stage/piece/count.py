sum(int(day["scoops"]) for day in days)
