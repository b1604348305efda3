// Stands in for the vendor's wlQrcodeLogin.js (welink-api.md 3.5): puts the element's frame into the page.
(function () {
  'use strict';
  window.wlQrcodeLogin = function (config) {
    var base = config.baseUrl || 'https://login.welink.huaweicloud.com';
    var given = {
      client_id: config.client_id,
      response_type: config.response_type || 'code',
      scope: config.scope || 'snsapi_login',
      state: config.state || '',
      redirect_uri: config.redirect_uri,
      lang: config.lang || 'cn'
    };
    var query = Object.keys(given).map(function (name) { return name + '=' + encodeURIComponent(given[name]); });
    var frame = document.createElement('iframe');
    frame.title = 'WeLink';
    frame.width = config.width || '365';
    frame.height = config.height || '400';
    frame.src = base + '/sso-proxy-front/public/qrcode/0.0.1/qrcode.html?' + query.join('&');
    document.getElementById(config.id).appendChild(frame);
  };
}());
