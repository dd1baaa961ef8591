'use strict';
// What a person sees: one line that says the state, and the QR code's text.
__d('StandinScreen', ['WAWebSocketModel', 'WAWebStreamModel', 'WAWebConnModel'], (g, require, dflt, ns, lazy, module, exports) => {
  const { Socket } = ns('WAWebSocketModel');
  const { Stream } = ns('WAWebStreamModel');
  const { Conn } = ns('WAWebConnModel');

  function draw() {
    document.getElementById('state').textContent = `${Stream.mode} · ${Socket.state} · ${Stream.info}`;
    document.getElementById('code').textContent = Conn.ref ? `QR ${Conn.ref}` : '';
  }

  exports.start = () => {
    Socket.on('change:state', draw);
    Stream.on('change', draw);
    Conn.on('change:ref', draw);
    draw();
  };
}, 98);
