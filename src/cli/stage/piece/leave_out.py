# You said so.
days = [day for day in days if day is not odd]
round(correlation(*heat_and_scoops(days)), 2)
