-- A table with an index of every kind, for tests that read WAL.
CREATE TABLE big (id serial PRIMARY KEY, t text, p point, a int[]);
INSERT INTO big (t, p, a) SELECT repeat(md5(g::text), 10), point(g, g), ARRAY[g, g + 1] FROM generate_series(1, 2000) g;
CREATE INDEX ON big USING gin (a);
CREATE INDEX ON big USING gist (p);
CREATE INDEX ON big USING hash (id);
CREATE INDEX ON big USING brin (id);
CREATE INDEX ON big USING spgist (p);
