/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What any program has in memory that holds one connection with TLS open, and is made with the libraries
 * that peios-fleetd is made with. It says when it does, and waits to be killed.
 *
 *     fleet-floor URL CA-FILE
 */
#include <curl/curl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        sd_event *event = NULL;
        CURL *h = argc == 3 && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;

        if (!h || !json_tokener_parse("{}") || sd_event_new(&event) < 0 ||
                curl_easy_setopt(h, CURLOPT_URL, argv[1]) != CURLE_OK ||
                curl_easy_setopt(h, CURLOPT_CAINFO, argv[2]) != CURLE_OK ||
                curl_easy_setopt(h, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK ||
                curl_easy_perform(h) != CURLE_OK || puts("connected") < 0 || fflush(stdout) != 0)
                return 1;
        return pause();
}
