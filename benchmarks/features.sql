-- The feature table of conf/music.yaml from the landing text, written by hand for DuckDB: what somebody would write who
-- needed this one table once. No layer is kept on the way. The caller sets the variables `landing` and `features`.
--
-- A line is NULL where the engine's own typing would be laxer than the declaration: DuckDB reads '1.5' as the number 2
-- and '1_000' as 1000, so texts are looked at before they are cast.

CREATE MACRO filled(text) AS
    CASE WHEN upper(trim(text)) NOT IN ('', 'NULL', '\N', 'NAN', 'NONE', 'N/A') THEN text END;
CREATE MACRO id(text) AS
    CASE WHEN regexp_full_match(text, '\s*[+-]?[0-9]+([.]0*)?\s*')
    THEN try_cast(regexp_extract(text, '[+-]?[0-9]+') AS BIGINT) END;
CREATE MACRO seconds(text) AS
    CASE WHEN regexp_full_match(text, ' *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *')
    THEN try_cast(try_cast(text AS DOUBLE) AS DECIMAL(18, 3)) END;
CREATE MACRO truth(text) AS CASE lower(trim(text))
    WHEN '1' THEN true WHEN 't' THEN true WHEN 'true' THEN true WHEN 'y' THEN true WHEN 'yes' THEN true
    WHEN '0' THEN false WHEN 'f' THEN false WHEN 'false' THEN false WHEN 'n' THEN false WHEN 'no' THEN false END;
CREATE MACRO instant(text) AS
    CASE WHEN regexp_matches(text, '^ *[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN try_cast(text AS TIMESTAMP) END;
CREATE MACRO lines(event, fields) AS TABLE
    FROM read_csv(getvariable('landing') || '/' || event || '/*/*', columns = fields, hive_partitioning = true,
        hive_types = {'date': 'DATE'}, sep = '\t', quote = '', escape = '', new_line = '\n', header = false,
        auto_detect = false);

-- ---- events: exact duplicates removed, typed, checked, repaired -----------------------------------------------------

CREATE TEMP TABLE play AS
WITH line AS (
    SELECT *, count(*) AS copies
    FROM lines('play', {'uid': 'VARCHAR', 'device': 'VARCHAR', 'song_id': 'VARCHAR', 'song_type': 'VARCHAR',
        'song_name': 'VARCHAR', 'singer': 'VARCHAR', 'play_time': 'VARCHAR', 'song_length': 'VARCHAR',
        'paid_flag': 'VARCHAR'})
    GROUP BY ALL
), typed AS (
    SELECT date, copies, filled(device) AS device, id(uid) AS customer_id, id(line.song_id) AS song,
        seconds(play_time) AS played, seconds(song_length) AS length, truth(paid_flag) AS is_paid
    FROM line
), mended AS (
    SELECT customer_id, date, device, is_paid, copies,
        CASE WHEN song > 0 THEN song END AS song_id,
        CASE WHEN length > 10800000 THEN NULL WHEN length > 10800 THEN (length / 1000)::DECIMAL(18, 3)
            WHEN length > 0 THEN length END AS song_seconds,
        CASE WHEN played > greatest(20 * coalesce(song_seconds, 500), 2000)
            THEN (played / 1000)::DECIMAL(18, 3) ELSE played END AS play_seconds
    FROM typed
    WHERE customer_id > 0
)
SELECT mended.* EXCLUDE (copies)
FROM mended, range(CASE WHEN play_seconds >= song_seconds THEN copies ELSE 1 END) -- a song heard out again is a play
WHERE play_seconds BETWEEN 0 AND 86400;

CREATE TEMP TABLE down AS
WITH line AS (
    SELECT DISTINCT *
    FROM lines('down', {'uid': 'VARCHAR', 'device': 'VARCHAR', 'song_id': 'VARCHAR', 'song_name': 'VARCHAR',
        'singer': 'VARCHAR', 'paid_flag': 'VARCHAR'})
)
SELECT id(uid) AS customer_id, date, filled(device) AS device FROM line WHERE customer_id > 0;

CREATE TEMP TABLE search AS
WITH line AS (
    SELECT DISTINCT *
    FROM lines('search', {'uid': 'VARCHAR', 'device': 'VARCHAR', 'time_stamp': 'VARCHAR', 'search_query': 'VARCHAR'})
)
SELECT id(uid) AS customer_id, date, filled(device) AS device
FROM line
WHERE customer_id > 0 AND instant(time_stamp)::DATE = date;

-- ---- one row per customer and day -----------------------------------------------------------------------------------

CREATE TEMP TABLE tile AS
WITH part AS (
    SELECT customer_id, date, max(device) AS device, count(*) AS plays,
        count(*) FILTER (10 * play_seconds >= 8 * song_seconds) AS plays_through,
        count(*) FILTER (is_paid) AS paid_plays,
        sum(play_seconds) AS play_seconds,
        sum(CASE WHEN song_seconds IS NOT NULL THEN least(play_seconds, song_seconds) END) AS heard_seconds,
        sum(song_seconds) AS song_seconds
    FROM play GROUP BY customer_id, date
    UNION ALL BY NAME
    SELECT customer_id, date, max(device) AS device, count(*) AS downloads FROM down GROUP BY customer_id, date
    UNION ALL BY NAME
    SELECT customer_id, date, max(device) AS device, count(*) AS searches FROM search GROUP BY customer_id, date
), merged AS (
    SELECT customer_id, date, max(device) AS device,
        coalesce(sum(plays), 0)::BIGINT AS plays,
        coalesce(sum(plays_through), 0)::BIGINT AS plays_through,
        coalesce(sum(paid_plays), 0)::BIGINT AS paid_plays,
        coalesce(sum(downloads), 0)::BIGINT AS downloads,
        coalesce(sum(searches), 0)::BIGINT AS searches,
        coalesce(sum(play_seconds), 0)::DOUBLE AS play_seconds,
        coalesce(sum(heard_seconds), 0)::DOUBLE AS heard_seconds,
        coalesce(sum(song_seconds), 0)::DOUBLE AS song_seconds
    FROM part GROUP BY customer_id, date
)
SELECT *, play_seconds > 86400 OR plays + downloads + searches > 5000 AS is_bot FROM merged;

-- ---- the newest moment, and the latest with a label that is known ---------------------------------------------------

CREATE TEMP TABLE moment AS
WITH logs AS (SELECT max(date) + 1 AS logs_end FROM tile)
SELECT logs_end - age AS as_of, as_of + 14 <= logs_end AS is_mature FROM logs, (VALUES (0), (14)) AS back(age);

CREATE TEMP TABLE seen AS
SELECT as_of, tile.*, as_of - date AS age,
    date - lag(date) OVER (PARTITION BY as_of, customer_id ORDER BY date) AS gap
FROM tile JOIN moment ON date >= as_of - 30 AND date < as_of;

CREATE TEMP TABLE songs AS
WITH played AS (
    SELECT as_of, customer_id, song_id, min(as_of - date) AS age
    FROM play JOIN moment ON date >= as_of - 30 AND date < as_of
    WHERE song_id IS NOT NULL GROUP BY as_of, customer_id, song_id
)
SELECT as_of, customer_id, count(*) FILTER (age <= 7) AS distinct_songs_last_7d, count(*) AS distinct_songs_last_30d
FROM played GROUP BY as_of, customer_id;

COPY (
WITH summed AS (
    SELECT as_of, customer_id,
        coalesce(sum(plays) FILTER (age <= 1), 0)::BIGINT AS plays_last_1d,
        coalesce(sum(plays) FILTER (age <= 3), 0)::BIGINT AS plays_last_3d,
        coalesce(sum(plays) FILTER (age <= 7), 0)::BIGINT AS plays_last_7d,
        coalesce(sum(plays) FILTER (age <= 14), 0)::BIGINT AS plays_last_14d,
        sum(plays)::BIGINT AS plays_last_30d,
        coalesce(sum(downloads) FILTER (age <= 1), 0)::BIGINT AS downloads_last_1d,
        coalesce(sum(downloads) FILTER (age <= 3), 0)::BIGINT AS downloads_last_3d,
        coalesce(sum(downloads) FILTER (age <= 7), 0)::BIGINT AS downloads_last_7d,
        coalesce(sum(downloads) FILTER (age <= 14), 0)::BIGINT AS downloads_last_14d,
        sum(downloads)::BIGINT AS downloads_last_30d,
        coalesce(sum(searches) FILTER (age <= 1), 0)::BIGINT AS searches_last_1d,
        coalesce(sum(searches) FILTER (age <= 3), 0)::BIGINT AS searches_last_3d,
        coalesce(sum(searches) FILTER (age <= 7), 0)::BIGINT AS searches_last_7d,
        coalesce(sum(searches) FILTER (age <= 14), 0)::BIGINT AS searches_last_14d,
        sum(searches)::BIGINT AS searches_last_30d,
        coalesce(sum(play_seconds) FILTER (age <= 1), 0) AS play_seconds_last_1d,
        coalesce(sum(play_seconds) FILTER (age <= 3), 0) AS play_seconds_last_3d,
        coalesce(sum(play_seconds) FILTER (age <= 7), 0) AS play_seconds_last_7d,
        coalesce(sum(play_seconds) FILTER (age <= 14), 0) AS play_seconds_last_14d,
        sum(play_seconds) AS play_seconds_last_30d,
        coalesce(sum(plays_through) FILTER (age <= 1), 0)::BIGINT AS plays_through_last_1d,
        coalesce(sum(plays_through) FILTER (age <= 3), 0)::BIGINT AS plays_through_last_3d,
        coalesce(sum(plays_through) FILTER (age <= 7), 0)::BIGINT AS plays_through_last_7d,
        coalesce(sum(plays_through) FILTER (age <= 14), 0)::BIGINT AS plays_through_last_14d,
        sum(plays_through)::BIGINT AS plays_through_last_30d,
        count(*) FILTER (age <= 1) AS active_days_last_1d,
        count(*) FILTER (age <= 3) AS active_days_last_3d,
        count(*) FILTER (age <= 7) AS active_days_last_7d,
        count(*) FILTER (age <= 14) AS active_days_last_14d,
        count(*) AS active_days_last_30d,
        sum(heard_seconds) FILTER (age <= 1) / nullif(sum(song_seconds) FILTER (age <= 1), 0) AS completion_last_1d,
        sum(heard_seconds) FILTER (age <= 3) / nullif(sum(song_seconds) FILTER (age <= 3), 0) AS completion_last_3d,
        sum(heard_seconds) FILTER (age <= 7) / nullif(sum(song_seconds) FILTER (age <= 7), 0) AS completion_last_7d,
        sum(heard_seconds) FILTER (age <= 14) / nullif(sum(song_seconds) FILTER (age <= 14), 0) AS completion_last_14d,
        sum(heard_seconds) / nullif(sum(song_seconds), 0) AS completion_last_30d,
        (min(age) FILTER (plays > 0))::DOUBLE AS days_since_last_play,
        (min(age) FILTER (downloads > 0))::DOUBLE AS days_since_last_download,
        (min(age) FILTER (searches > 0))::DOUBLE AS days_since_last_search,
        min(age)::DOUBLE AS days_since_last_event,
        max(age)::DOUBLE AS days_since_first_event,
        plays_last_7d / 7 / nullif(plays_last_30d / 30, 0) AS plays_acceleration_7d,
        plays_last_14d / 14 / nullif(plays_last_30d / 30, 0) AS plays_acceleration_14d,
        active_days_last_7d / 7 / (active_days_last_30d / 30) AS active_days_acceleration_7d,
        active_days_last_14d / 14 / (active_days_last_30d / 30) AS active_days_acceleration_14d,
        avg(gap) AS gap_days_mean,
        stddev_samp(gap) AS gap_days_deviation,
        sum(paid_plays) / nullif(plays_last_30d, 0) AS paid_play_share,
        max_by(device, date) FILTER (device IS NOT NULL) AS device
    FROM seen GROUP BY as_of, customer_id
), bot AS (
    SELECT customer_id, min(date) AS first_bot_day FROM tile WHERE is_bot GROUP BY customer_id
), outcome AS (
    SELECT DISTINCT as_of, customer_id FROM tile JOIN moment ON date >= as_of AND date < as_of + 14
)
SELECT summed.*,
    coalesce(distinct_songs_last_7d, 0) AS distinct_songs_last_7d,
    coalesce(distinct_songs_last_30d, 0) AS distinct_songs_last_30d,
    true AS eligible,  -- the table holds only customers with an event in the observation window
    CASE WHEN is_mature THEN (outcome.customer_id IS NULL)::INTEGER END AS label,
    CASE WHEN is_mature THEN 'mature' ELSE 'immature' END AS label_status
FROM summed
JOIN moment USING (as_of)
LEFT JOIN songs USING (as_of, customer_id)
LEFT JOIN bot USING (customer_id)
LEFT JOIN outcome USING (as_of, customer_id)
WHERE NOT coalesce(first_bot_day < as_of, false)
) TO (getvariable('features')) (FORMAT parquet);
