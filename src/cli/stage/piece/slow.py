import random, time
from statistics import linear_regression

slopes = []
for n in range(1, 31):
    sample = random.choices(days, k=len(days))
    line = linear_regression(*heat_and_scoops(sample))
    slopes.append(line.slope)
    print(f"sample {n}: {line.slope:.1f} scoops a degree")
    time.sleep(0.2)
