-- relation: person_years
SELECT resident,
       CASE WHEN plan = 'free' THEN 'free' ELSE 'shared' END AS cover,
       health,
       visits
FROM visits
