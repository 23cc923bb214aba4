-- relation: person_years
SELECT resident, plan, health, limitation, visits
FROM visits
