import csv

with open("ice_cream.csv") as file:
    days = list(csv.DictReader(file))
days[0]
