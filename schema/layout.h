/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where things are, below --root. */

#define LAYOUT_DROPINS_VENDOR "/usr/lib/peios/registry.d"
/* What came from the fleet and is in force here; it outlives a reboot. */
#define LAYOUT_DROPINS_FLEET "/var/lib/peios/registry.d"
#define LAYOUT_DROPINS_ADMIN "/etc/peios/registry.d"
/* Public keys whose policies are taken from the fleet. */
#define LAYOUT_FLEET_KEYS "/etc/peios/fleet-keys.d"
/* Where policies come in, as GROUP.yaml. It may be anybody's: nobody believes it. */
#define LAYOUT_FLEET_INCOMING "/var/lib/peios/fleet-incoming"
/* Which of them were accepted and refused. */
#define LAYOUT_FLEET_DIR "/var/lib/peios/fleet"
#define LAYOUT_FLEET_LOCK LAYOUT_FLEET_DIR "/lock"
#define LAYOUT_FLEET_STATE_NAME "state.yaml"
#define LAYOUT_FLEET_STATE LAYOUT_FLEET_DIR "/" LAYOUT_FLEET_STATE_NAME
#define LAYOUT_STATE "/var/lib/peios/registry"
#define LAYOUT_STORE LAYOUT_STATE "/registry.db"
/* Held by the provider that runs. */
#define LAYOUT_STORE_LOCK LAYOUT_STATE "/lock"
#define LAYOUT_SCHEMA_VENDOR "/usr/lib/peios/schema.d"
#define LAYOUT_SCHEMA_ADMIN "/etc/peios/schema.d"
/* On the root file system, for boot before /var is mounted: the values in force, written by the policy
 * service. */
#define LAYOUT_ACCEPTED_DIR "/etc/peios/audit-policy"
#define LAYOUT_ACCEPTED_NAME "accepted.yaml"
#define LAYOUT_REFUSED_NAME "refused.yaml"
#define LAYOUT_SYSCTL "/proc/sys"
/* Kept until the reboot. */
#define LAYOUT_REGISTRY_RUN "/run/peios-registryd"
#define LAYOUT_FLEET_RUN "/run/peios-fleet"
#define LAYOUT_POLICY_RUN "/run/peios-audit-policyd"
