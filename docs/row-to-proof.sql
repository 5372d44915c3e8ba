-- From a flow row to everything that proves it: raw event, envelope text, the checkpoint that covers it, and its key.
select f.src_ip, f.dst_ip, f.app, r.seq,
       r.envelope,
       r.envelope_hash,
       c.note as checkpoint,
       encode(k.key_id, 'hex') as key_id
from re_view.flow f
join re_view.event r on r.component_instance_id = f.component_instance_id and r.seq = f.seq and r.ingested_at = f.ingested_at
join lateral (select n.note from re_view.checkpoint_note n
              where n.component_instance_id = r.component_instance_id and n.tree_size > r.seq
              order by n.tree_size limit 1) c on true
join re_view.signing_key k on k.component_instance_id = r.component_instance_id
order by f.start_at, f.seq
limit 5;
