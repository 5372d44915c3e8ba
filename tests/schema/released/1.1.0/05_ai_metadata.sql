-- 05_ai_metadata.sql: what models think. References, scores and digests; never facts, never incidents.
--
-- The owner of these tables and functions (re_ai_owner) holds no write right outside this schema, so no function here can change a fact
-- or an incident, whatever it is passed. Rows are append-only and name the model version; a better opinion is a new row. Children
-- carry the time of their vector, so that they live and leave with its monthly partition.

set role re_ai_owner;

create table re_ai.model_version (
    model_name      text        not null,
    model_version   int         not null,
    artifact_ref    text        not null,
    artifact_sha256 bytea       not null,
    trained_at      timestamptz not null,
    recorded_at     timestamptz not null default clock_timestamp(),
    recorded_by     name        not null default session_user,
    constraint model_version_pk primary key (model_name, model_version),
    constraint model_version_name_is_plain check (model_name ~ '^[a-z][a-z0-9_.]{0,127}$' and model_version >= 1),
    constraint model_version_ref_is_short check (octet_length(artifact_ref) between 1 and 1000),
    constraint model_version_sha256_is_32_bytes check (octet_length(artifact_sha256) = 32)
);
comment on table  re_ai.model_version                 is 'Models in use; the artefact itself lies elsewhere';
comment on column re_ai.model_version.model_name      is 'Model';
comment on column re_ai.model_version.model_version   is 'Version, from 1';
comment on column re_ai.model_version.artifact_ref    is 'Where the artefact is';
comment on column re_ai.model_version.artifact_sha256 is 'Its SHA-256';
comment on column re_ai.model_version.trained_at      is 'End of training, UTC';
comment on column re_ai.model_version.recorded_at     is 'Database clock';
comment on column re_ai.model_version.recorded_by     is 'Login that recorded it';

create table re_ai.feature_vector (
    vector_at             timestamptz not null default now(),
    vector_id             uuid        not null default gen_random_uuid(),
    tenant_id             uuid        not null,
    machine_id            uuid        not null,
    model_name            text        not null,
    model_version         int         not null,
    window_from           timestamptz not null,
    window_to             timestamptz not null,
    component_instance_id uuid,
    seq                   bigint,
    incident_id           uuid,
    store_ref             text        not null,
    vector_sha256         bytea       not null,
    dimensions            int         not null,
    recorded_by           name        not null default session_user,
    constraint feature_vector_pk primary key (vector_at, vector_id),
    constraint feature_vector_machine_fk foreign key (machine_id, tenant_id) references re_core.machine (machine_id, tenant_id),
    constraint feature_vector_model_fk foreign key (model_name, model_version) references re_ai.model_version (model_name, model_version),
    constraint feature_vector_incident_fk foreign key (incident_id, tenant_id) references re_corr.incident (incident_id, tenant_id),
    constraint feature_vector_instance_fk foreign key (component_instance_id) references re_core.component_instance,
    constraint feature_vector_window_is_valid check (window_to >= window_from),
    constraint feature_vector_event_is_whole check ((component_instance_id is null) = (seq is null) and seq >= 0),
    constraint feature_vector_ref_is_short check (octet_length(store_ref) between 1 and 1000),
    constraint feature_vector_sha256_is_32_bytes check (octet_length(vector_sha256) = 32),
    constraint feature_vector_dimensions_are_positive check (dimensions between 1 and 1000000)
) partition by range (vector_at);
comment on table  re_ai.feature_vector                       is 'References to feature vectors; the numbers lie in a store outside';
comment on column re_ai.feature_vector.vector_at             is 'Database clock when recorded; chooses the partition';
comment on column re_ai.feature_vector.vector_id             is 'Key, with vector_at';
comment on column re_ai.feature_vector.tenant_id             is 'Tenant of the machine';
comment on column re_ai.feature_vector.machine_id            is 'Machine described';
comment on column re_ai.feature_vector.model_name            is 'Model for which it was made';
comment on column re_ai.feature_vector.model_version         is 'Its version';
comment on column re_ai.feature_vector.window_from           is 'Facts from, UTC';
comment on column re_ai.feature_vector.window_to             is 'Facts to, UTC';
comment on column re_ai.feature_vector.component_instance_id is 'Chain of the one event described, if it is one';
comment on column re_ai.feature_vector.seq                   is 'Its sequence number; not a foreign key, because raw partitions leave earlier';
comment on column re_ai.feature_vector.incident_id           is 'Incident described, if it is one';
comment on column re_ai.feature_vector.store_ref             is 'Where the vector is';
comment on column re_ai.feature_vector.vector_sha256         is 'SHA-256 of its bytes';
comment on column re_ai.feature_vector.dimensions            is 'Number of features';
comment on column re_ai.feature_vector.recorded_by           is 'Login that recorded it';

create table re_ai.cluster (
    cluster_id    uuid        not null default gen_random_uuid(),
    tenant_id     uuid        not null,
    model_name    text        not null,
    model_version int         not null,
    label         text        not null,
    recorded_at   timestamptz not null default clock_timestamp(),
    recorded_by   name        not null default session_user,
    constraint cluster_pk primary key (cluster_id),
    constraint cluster_tenant_is_unique unique (cluster_id, tenant_id),
    constraint cluster_tenant_fk foreign key (tenant_id) references re_core.tenant,
    constraint cluster_model_fk foreign key (model_name, model_version) references re_ai.model_version (model_name, model_version),
    constraint cluster_label_is_short check (octet_length(label) between 1 and 255)
);
comment on table  re_ai.cluster               is 'Clusters that a model version formed';
comment on column re_ai.cluster.cluster_id    is 'Key';
comment on column re_ai.cluster.tenant_id     is 'Tenant';
comment on column re_ai.cluster.model_name    is 'Model';
comment on column re_ai.cluster.model_version is 'Its version';
comment on column re_ai.cluster.label         is 'Name for people';
comment on column re_ai.cluster.recorded_at   is 'Database clock';
comment on column re_ai.cluster.recorded_by   is 'Login that recorded it';

create table re_ai.cluster_member (
    vector_at   timestamptz      not null,
    vector_id   uuid             not null,
    cluster_id  uuid             not null,
    tenant_id   uuid             not null,
    distance    double precision not null,
    recorded_at timestamptz      not null default clock_timestamp(),
    recorded_by name             not null default session_user,
    constraint cluster_member_pk primary key (vector_at, vector_id, cluster_id),
    constraint cluster_member_cluster_fk foreign key (cluster_id, tenant_id) references re_ai.cluster (cluster_id, tenant_id),
    constraint cluster_member_distance_is_valid check (distance >= 0 and distance < 'Infinity')
) partition by range (vector_at);
comment on table  re_ai.cluster_member             is 'Vectors in clusters';
comment on column re_ai.cluster_member.vector_at   is 'vector_at of the vector; chooses the partition';
comment on column re_ai.cluster_member.vector_id   is 'Vector';
comment on column re_ai.cluster_member.cluster_id  is 'Cluster';
comment on column re_ai.cluster_member.tenant_id   is 'Tenant';
comment on column re_ai.cluster_member.distance    is 'Distance to the centre, in the model''s metric';
comment on column re_ai.cluster_member.recorded_at is 'Database clock';
comment on column re_ai.cluster_member.recorded_by is 'Login that recorded it';

create table re_ai.novelty_score (
    vector_at     timestamptz not null,
    vector_id     uuid        not null,
    model_name    text        not null,
    model_version int         not null,
    tenant_id     uuid        not null,
    score_milli   int         not null,
    recorded_at   timestamptz not null default clock_timestamp(),
    recorded_by   name        not null default session_user,
    constraint novelty_score_pk primary key (vector_at, vector_id, model_name, model_version),
    constraint novelty_score_model_fk foreign key (model_name, model_version) references re_ai.model_version (model_name, model_version),
    constraint novelty_score_is_in_range check (score_milli between 0 and 1000)
) partition by range (vector_at);
comment on table  re_ai.novelty_score               is 'How new a vector looked to a model version; one score each';
comment on column re_ai.novelty_score.vector_at     is 'vector_at of the vector; chooses the partition';
comment on column re_ai.novelty_score.vector_id     is 'Vector';
comment on column re_ai.novelty_score.model_name    is 'Model that scored';
comment on column re_ai.novelty_score.model_version is 'Its version';
comment on column re_ai.novelty_score.tenant_id     is 'Tenant';
comment on column re_ai.novelty_score.score_milli   is 'Score in thousandths, 1000 = never seen the like';
comment on column re_ai.novelty_score.recorded_at   is 'Database clock';
comment on column re_ai.novelty_score.recorded_by   is 'Login that recorded it';

create table re_ai.shap_explanation (
    vector_at          timestamptz not null,
    vector_id          uuid        not null,
    model_name         text        not null,
    model_version      int         not null,
    tenant_id          uuid        not null,
    store_ref          text        not null,
    explanation_sha256 bytea       not null,
    top_features       int         not null,
    recorded_at        timestamptz not null default clock_timestamp(),
    recorded_by        name        not null default session_user,
    constraint shap_explanation_pk primary key (vector_at, vector_id, model_name, model_version),
    constraint shap_explanation_model_fk foreign key (model_name, model_version) references re_ai.model_version (model_name, model_version),
    constraint shap_explanation_ref_is_short check (octet_length(store_ref) between 1 and 1000),
    constraint shap_explanation_sha256_is_32_bytes check (octet_length(explanation_sha256) = 32),
    constraint shap_explanation_top_is_positive check (top_features between 1 and 100000)
) partition by range (vector_at);
comment on table  re_ai.shap_explanation                    is 'References to SHAP explanations; the blobs lie outside';
comment on column re_ai.shap_explanation.vector_at          is 'vector_at of the vector; chooses the partition';
comment on column re_ai.shap_explanation.vector_id          is 'Vector';
comment on column re_ai.shap_explanation.model_name         is 'Model explained';
comment on column re_ai.shap_explanation.model_version      is 'Its version';
comment on column re_ai.shap_explanation.tenant_id          is 'Tenant';
comment on column re_ai.shap_explanation.store_ref          is 'Where the explanation is';
comment on column re_ai.shap_explanation.explanation_sha256 is 'SHA-256 of its bytes';
comment on column re_ai.shap_explanation.top_features       is 'Number of features that it names';
comment on column re_ai.shap_explanation.recorded_at        is 'Database clock';
comment on column re_ai.shap_explanation.recorded_by        is 'Login that recorded it';

-- ---------------------------------------------------------------------------------------------------------------------------
-- The way in
-- ---------------------------------------------------------------------------------------------------------------------------
create function re_ai.add_model_version(p_model_name text, p_model_version int, p_artifact_ref text, p_artifact_sha256 bytea, p_trained_at timestamptz)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_ai.model_version (model_name, model_version, artifact_ref, artifact_sha256, trained_at)
    values (p_model_name, p_model_version, p_artifact_ref, p_artifact_sha256, p_trained_at);
end $$;
comment on function re_ai.add_model_version(text, int, text, bytea, timestamptz) is 'Registers a model version';

create function re_ai.add_vector(p_machine uuid, p_model_name text, p_model_version int, p_window_from timestamptz, p_window_to timestamptz,
                                 p_instance uuid, p_seq bigint, p_incident uuid, p_store_ref text, p_vector_sha256 bytea, p_dimensions int,
                                 out vector_at timestamptz, out vector_id uuid)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    insert into re_ai.feature_vector (tenant_id, machine_id, model_name, model_version, window_from, window_to, component_instance_id, seq, incident_id,
                                      store_ref, vector_sha256, dimensions)
    select m.tenant_id, m.machine_id, p_model_name, p_model_version, p_window_from, p_window_to, p_instance, p_seq, p_incident, p_store_ref,
           p_vector_sha256, p_dimensions
    from re_core.machine m
    where m.machine_id = p_machine and (m.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants())
      and (p_instance is null or exists (select from re_core.component_instance c where c.component_instance_id = p_instance and c.tenant_id = m.tenant_id))
    returning vector_at, vector_id into add_vector.vector_at, add_vector.vector_id;
    if add_vector.vector_id is null then
        raise exception 'no machine % (or no such instance) in this tenant', p_machine using errcode = 'RE002';
    end if;
end $$;
comment on function re_ai.add_vector(uuid, text, int, timestamptz, timestamptz, uuid, bigint, uuid, text, bytea, int) is
    'Records the reference to a feature vector of a machine, an event or an incident';

create function re_ai.tenant_of_vector(p_vector_at timestamptz, p_vector_id uuid) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    tenant uuid;
begin
    select v.tenant_id into tenant from re_ai.feature_vector v
    where v.vector_at = p_vector_at and v.vector_id = p_vector_id and (v.tenant_id = re_core.my_tenant() or re_core.sees_all_tenants());
    if not found then
        raise exception 'no vector % in this tenant', p_vector_id using errcode = 'RE002';
    end if;
    return tenant;
end $$;
comment on function re_ai.tenant_of_vector(timestamptz, uuid) is 'Tenant of a vector that the caller may see, or raises; internal';

create function re_ai.add_cluster(p_model_name text, p_model_version int, p_label text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id uuid;
begin
    insert into re_ai.cluster (tenant_id, model_name, model_version, label) values (re_core.my_tenant(), p_model_name, p_model_version, p_label)
    returning cluster_id into id;
    return id;
end $$;
comment on function re_ai.add_cluster(text, int, text) is 'Records a cluster of the caller''s tenant';

create function re_ai.add_cluster_member(p_vector_at timestamptz, p_vector_id uuid, p_cluster uuid, p_distance double precision) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_ai.cluster_member (vector_at, vector_id, cluster_id, tenant_id, distance)
    values (p_vector_at, p_vector_id, p_cluster, re_ai.tenant_of_vector(p_vector_at, p_vector_id), p_distance);
end $$;
comment on function re_ai.add_cluster_member(timestamptz, uuid, uuid, double precision) is 'Puts a vector into a cluster of the same tenant';

create function re_ai.add_novelty(p_vector_at timestamptz, p_vector_id uuid, p_model_name text, p_model_version int, p_score_milli int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_ai.novelty_score (vector_at, vector_id, model_name, model_version, tenant_id, score_milli)
    values (p_vector_at, p_vector_id, p_model_name, p_model_version, re_ai.tenant_of_vector(p_vector_at, p_vector_id), p_score_milli);
end $$;
comment on function re_ai.add_novelty(timestamptz, uuid, text, int, int) is 'Records a novelty score; once per vector and model version';

create function re_ai.add_explanation(p_vector_at timestamptz, p_vector_id uuid, p_model_name text, p_model_version int, p_store_ref text,
                                      p_explanation_sha256 bytea, p_top_features int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into re_ai.shap_explanation (vector_at, vector_id, model_name, model_version, tenant_id, store_ref, explanation_sha256, top_features)
    values (p_vector_at, p_vector_id, p_model_name, p_model_version, re_ai.tenant_of_vector(p_vector_at, p_vector_id), p_store_ref,
            p_explanation_sha256, p_top_features);
end $$;
comment on function re_ai.add_explanation(timestamptz, uuid, text, int, text, bytea, int) is 'Records the reference to an explanation; once per vector and model version';

-- ---------------------------------------------------------------------------------------------------------------------------
-- Append-only, row-level security, grants. Model versions belong to no tenant: they name artefacts, not data.
-- ---------------------------------------------------------------------------------------------------------------------------
select re_core.make_append_only(t) from unnest(array[
    're_ai.model_version', 're_ai.feature_vector', 're_ai.cluster', 're_ai.cluster_member', 're_ai.novelty_score', 're_ai.shap_explanation']::regclass[]) t;
select re_core.protect_by_tenant(t) from unnest(array[
    're_ai.feature_vector', 're_ai.cluster', 're_ai.cluster_member', 're_ai.novelty_score', 're_ai.shap_explanation']::regclass[]) t;

grant usage on schema re_ai to re_viewer, re_correlation, re_ai_writer;
grant execute on function
    re_ai.add_model_version(text, int, text, bytea, timestamptz),
    re_ai.add_vector(uuid, text, int, timestamptz, timestamptz, uuid, bigint, uuid, text, bytea, int),
    re_ai.add_cluster(text, int, text),
    re_ai.add_cluster_member(timestamptz, uuid, uuid, double precision),
    re_ai.add_novelty(timestamptz, uuid, text, int, int),
    re_ai.add_explanation(timestamptz, uuid, text, int, text, bytea, int) to re_ai_writer;
grant select on all tables in schema re_ai to re_auditor, re_viewer, re_correlation, re_ai_writer;

reset role;
