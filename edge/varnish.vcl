# Varnish 6 or newer before a site and Hemline: pages are cached for everybody, <esi:include> puts fragments
# into them, and fragments that are public are cached too. See docs/cdn.md; tested by
# tests/e2e/test_canaries_through_caches.py with this very file.
#
# Yours to change: the two backends, `trusted`, and where pages of yours may not be cached.
# Varnish speaks no TLS to backends: in front of API Gateway stands something that does (stunnel, nginx).
vcl 4.1;

backend site { .host = "127.0.0.1"; .port = "8081"; }
backend hemline { .host = "127.0.0.1"; .port = "8082"; }

# Whose word on country, city and device is taken: your own CDN or load balancer.
acl trusted { "127.0.0.1"; }

sub vcl_recv {
	if (!(client.ip ~ trusted)) {
		call hemline_strip_traits;
	}
	if (req.url ~ "^/v1(/|$|\?)") {
		set req.backend_hint = hemline;
		# Cached is what GET /v1/fragments/{slot} answers, and nothing that only looks like it.
		if (req.method != "GET" && req.method != "HEAD") {
			return (pass);
		}
		if (req.url !~ "^/v1/fragments/[A-Za-z0-9_-]+(\?|$)") {
			return (pass);
		}
		# An editor's look at the page of somebody else.
		if (req.http.Hemline-Preview || req.url ~ "[?&]explain=") {
			return (pass);
		}
		# Who asks is passed on, and is in no key: an answer that depends on it says so (private, no-store)
		# whoever asks, and is not kept. See vcl_backend_response.
		# No ranges of what is this small: one out of range would be a 416 that other caches may keep.
		unset req.http.Range;
		return (hash);
	}
	set req.backend_hint = site;
	if (req.method != "GET" && req.method != "HEAD") {
		return (pass);
	}
	if (req.http.Authorization) {
		return (pass);
	}
	# A page that is cached for everybody may know nobody. The includes of the page still have the cookie.
	unset req.http.Cookie;
	unset req.http.Hemline-Visitor;
	unset req.http.Hemline-Capsule;
	unset req.http.Range;
	return (hash);
}

# The key is the built-in one: host and address with its query, as they came. What else an answer depends on
# is in its Vary.

sub vcl_backend_response {
	# Whole or not at all: visitors who wait for the same answer would share one that breaks off half-way,
	# and a page would be assembled with half a fragment in it.
	if (bereq.url ~ "^/v1(/|$|\?)") {
		set beresp.do_stream = false;
	}
	# What a page may not have is never kept: errors, cookies, and what says that it is somebody's.
	if (beresp.status != 200 && beresp.status != 304) {
		call hemline_keep_not;
	}
	if (beresp.http.Set-Cookie || beresp.http.Vary == "*") {
		call hemline_keep_not;
	}
	if (beresp.http.Cache-Control ~ "(?i)private|no-store|no-cache") {
		call hemline_keep_not;
	}
	# Silence is no permission.
	if (beresp.http.Cache-Control !~ "(?i)public|max-age|s-maxage") {
		call hemline_keep_not;
	}
	if (bereq.url !~ "^/v1(/|$|\?)" && beresp.status == 200 && beresp.http.Content-Type ~ "^text/html") {
		set beresp.do_esi = true;
		set beresp.http.Hemline-Assembled = "1";
		# Of the page without its fragments: a browser that has it would be told that nothing changed.
		unset beresp.http.ETag;
		unset beresp.http.Last-Modified;
	}
	return (deliver);
}

sub hemline_keep_not {
	# For a while others do not wait for this one's answer to learn that it is not theirs.
	set beresp.ttl = 30s;
	set beresp.grace = 0s;
	set beresp.keep = 0s;
	set beresp.uncacheable = true;
	return (deliver);
}

sub vcl_deliver {
	if (req.esi_level > 0 && resp.status != 200) {
		# The text of an error is not for a page.
		return (synth(204));
	}
	if (resp.http.Hemline-Assembled) {
		# With the fragments in it the page is somebody's, also for the caches behind this one.
		unset resp.http.Hemline-Assembled;
		unset resp.http.Age;
		set resp.http.Cache-Control = "private, no-store";
	}
	if (obj.uncacheable) {
		set resp.http.X-Cache = "pass";
	} else if (obj.hits > 0) {
		set resp.http.X-Cache = "hit";
	} else {
		set resp.http.X-Cache = "miss";
	}
}

sub vcl_synth {
	set resp.http.Cache-Control = "private, no-store";
	if (req.esi_level > 0) {
		set resp.body = "";
		return (deliver);
	}
}

sub vcl_backend_error {
	set beresp.http.Cache-Control = "private, no-store";
	set beresp.ttl = 0s;
	set beresp.grace = 0s;
	set beresp.uncacheable = true;
}

sub hemline_strip_traits {
	unset req.http.CloudFront-Viewer-Country;
	unset req.http.CloudFront-Viewer-Country-Region;
	unset req.http.CloudFront-Viewer-City;
	unset req.http.CloudFront-Viewer-Latitude;
	unset req.http.CloudFront-Viewer-Longitude;
	unset req.http.CloudFront-Viewer-Time-Zone;
	unset req.http.CloudFront-Is-Mobile-Viewer;
	unset req.http.CloudFront-Is-Tablet-Viewer;
}
