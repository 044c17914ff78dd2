-- From which list the members of a universe were taken for a session.
CREATE TABLE IF NOT EXISTS universe_lists (
    session       date        NOT NULL,
    universe      text        NOT NULL,
    source        text        NOT NULL,
    as_of         date        NOT NULL,
    point_in_time boolean     NOT NULL,
    members       integer     NOT NULL,
    taken_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (session, universe),
    CONSTRAINT universe_lists_members_counted CHECK (members >= 0)
);

-- Records the rows of pg_temp.staged_lists; what did not change keeps its time. Of the sessions
-- only the universes that are fetched stay.
CREATE OR REPLACE FUNCTION record_staged_lists(of_sessions date[], fetched text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM universe_lists
    WHERE session = ANY (of_sessions) AND universe <> ALL (fetched);

    INSERT INTO universe_lists AS u (session, universe, source, as_of, point_in_time, members)
    SELECT s.session, s.universe, s.source, s.as_of, s.point_in_time, s.members
    FROM pg_temp.staged_lists AS s
    ON CONFLICT (session, universe) DO UPDATE SET
        source = excluded.source,
        as_of = excluded.as_of,
        point_in_time = excluded.point_in_time,
        members = excluded.members,
        taken_at = excluded.taken_at
    WHERE (u.source, u.as_of, u.point_in_time, u.members)
          IS DISTINCT FROM (
              excluded.source, excluded.as_of, excluded.point_in_time, excluded.members
          );
END
$$;
