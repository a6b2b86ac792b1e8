# Varnish 6 or newer in front of a site and Hemline: pages are cached for everybody, <esi:include> puts
# fragments into them, and public fragments are cached too. See docs/cdn.md; tested by
# tests/e2e/test_canaries_through_caches.py with this very file.
#
# Change for your site: the two backends, `trusted`, and which pages may not be cached.
# Varnish speaks no TLS to backends: put something that does (stunnel, nginx) in front of API Gateway.
vcl 4.1;

backend site { .host = "127.0.0.1"; .port = "8081"; }
backend hemline { .host = "127.0.0.1"; .port = "8082"; }

# Clients whose country, city and device headers are trusted: your own CDN or load balancer.
acl trusted { "127.0.0.1"; }

sub vcl_recv {
	if (!(client.ip ~ trusted)) {
		call hemline_strip_traits;
	}
	if (req.url ~ "^/v1(/|$|\?)") {
		set req.backend_hint = hemline;
		# Only GET /v1/fragments/{slot} is cached, and no path that merely looks like it.
		if (req.method != "GET" && req.method != "HEAD") {
			return (pass);
		}
		if (req.url !~ "^/v1/fragments/[A-Za-z0-9_-]+(\?|$)") {
			return (pass);
		}
		# Previews show an editor what another visitor would see.
		if (req.http.Hemline-Preview || req.url ~ "[?&]explain=") {
			return (pass);
		}
		# Visitor headers are passed on but are not in the key: an answer that depends on the visitor is
		# private, no-store and is not stored. See vcl_backend_response.
		# No ranges: fragments are small, and other caches could store the 416 of a range out of bounds.
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
	# A page that is cached for everybody must not see the visitor. Its includes still get the cookie.
	unset req.http.Cookie;
	unset req.http.Hemline-Visitor;
	unset req.http.Hemline-Capsule;
	unset req.http.Range;
	return (hash);
}

# The key is the built-in one: host and URL with query, unchanged. Vary covers what else an answer depends on.

sub vcl_backend_response {
	# No streaming: visitors who wait for the same answer would share one that breaks off half-way, and a
	# page could be assembled with half a fragment.
	if (bereq.url ~ "^/v1(/|$|\?)") {
		set beresp.do_stream = false;
	}
	# Never store errors, answers with cookies, or answers marked private.
	if (beresp.status != 200 && beresp.status != 304) {
		call hemline_keep_not;
	}
	if (beresp.http.Set-Cookie || beresp.http.Vary == "*") {
		call hemline_keep_not;
	}
	if (beresp.http.Cache-Control ~ "(?i)private|no-store|no-cache") {
		call hemline_keep_not;
	}
	# An answer must state that it may be cached.
	if (beresp.http.Cache-Control !~ "(?i)public|max-age|s-maxage") {
		call hemline_keep_not;
	}
	if (bereq.url !~ "^/v1(/|$|\?)" && beresp.status == 200 && beresp.http.Content-Type ~ "^text/html") {
		set beresp.do_esi = true;
		set beresp.http.Hemline-Assembled = "1";
		# They describe the page without its fragments: a 304 would hide changed fragments from a browser.
		unset beresp.http.ETag;
		unset beresp.http.Last-Modified;
	}
	return (deliver);
}

sub hemline_keep_not {
	# Remember for a while that this URL is not cacheable, so that requests for it do not queue.
	set beresp.ttl = 30s;
	set beresp.grace = 0s;
	set beresp.keep = 0s;
	set beresp.uncacheable = true;
	return (deliver);
}

sub vcl_deliver {
	if (req.esi_level > 0 && resp.status != 200) {
		# Do not include an error's text in a page.
		return (synth(204));
	}
	if (resp.http.Hemline-Assembled) {
		# The assembled page is personal, and downstream caches must not store it either.
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
