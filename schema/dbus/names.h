/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bus names, paths, interfaces and errors, for both daemons and all clients. */

#define REGISTRY_BUS_NAME "org.peios.Registry1"
#define REGISTRY_PATH "/org/peios/Registry1"
#define REGISTRY_INTERFACE "org.peios.Registry1"
#define REGISTRY_KEY_INTERFACE "org.peios.Registry1.Key"

/* A key as ReadTree() has it: its path and flags, and of its values a column each: the layers that any of
 * them come from, each once; types, sequences, which of the layers, sizes, the data, one value's after the
 * other's, and names, each with a NUL. */
#define REGISTRY_TREE_KEY "suasauatauauayay"

/* In one transaction, and so in one message: about as many as the bus takes. */
#define REGISTRY_CHANGES_MAX 250000u

#define POLICY_BUS_NAME "org.peios.AuditPolicy1"
#define POLICY_PATH "/org/peios/AuditPolicy1"
#define POLICY_INTERFACE "org.peios.AuditPolicy1"

#define ERROR_NOT_FOUND "org.peios.Error.NotFound"       /* no such key or value */
#define ERROR_EXISTS "org.peios.Error.Exists"            /* the key, or the layer, is there already */
#define ERROR_INVALID_NAME "org.peios.Error.InvalidName" /* path, value name or layer name */
#define ERROR_INVALID_VALUE                                                                                 \
        "org.peios.Error.InvalidValue"             /* the bytes do not fit the type that was named          \
                                                    */
#define ERROR_TOO_LARGE "org.peios.Error.TooLarge" /* a limit; the text says which */
#define ERROR_ACCESS_DENIED "org.peios.Error.AccessDenied"
#define ERROR_READ_ONLY "org.peios.Error.ReadOnly"  /* a drop-in's layer; the text names the file */
#define ERROR_NOT_EMPTY "org.peios.Error.NotEmpty"  /* a key with subkeys */
#define ERROR_CONFLICT "org.peios.Error.Conflict"   /* compare-and-swap: another sequence is there */
#define ERROR_STORAGE "org.peios.Error.Storage"     /* the store failed; nothing changed */
#define ERROR_CORRUPT "org.peios.Error.Corrupt"     /* two entries claim the same precedence and sequence */
#define ERROR_LIMIT "org.peios.Error.LimitExceeded" /* too many subscriptions or layers */
#define ERROR_NOT_KEPT "org.peios.Error.NotKept"    /* the history does not go back so far */
#define ERROR_LINK_LOOP "org.peios.Error.LinkLoop"  /* links that lead to each other, or too many */
#define ERROR_BAD_LINK "org.peios.Error.BadLink"    /* a link that leads nowhere, or where a key has to be */
#define ERROR_UNACCEPTED "org.peios.Error.Unaccepted" /* the schema speaks against it; nothing changed */
#define ERROR_REFUSED                                                                                       \
        "org.peios.Error.Refused" /* stored, but the policy service does not accept the value */
#define ERROR_NOT_IN_FORCE "org.peios.Error.NotInForce" /* stored, but another layer's value wins */
#define ERROR_NOT_LIVE "org.peios.Error.NotLive"        /* accepted, but the control does not hold it */
#define ERROR_UNAVAILABLE "org.peios.Error.Unavailable" /* the other service does not answer */
