import matplotlib.pyplot as plt
from statistics import linear_regression

heat, scoops = heat_and_scoops(days)
line = linear_regression(heat, scoops)
ends = [min(heat), max(heat)]
plt.figure(figsize=(6, 3.2))
plt.scatter(heat, scoops)
plt.plot(ends, [line.slope * x + line.intercept for x in ends], color="tab:orange")
plt.xlabel("degrees")
plt.ylabel("scoops")
plt.tight_layout()
