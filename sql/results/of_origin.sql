-- grain: one line per clip that came from the origin asked for
select distinct clip_id
from read_parquet(getvariable('files'))
where list_contains(origin_ids, getvariable('origin'))
order by clip_id
