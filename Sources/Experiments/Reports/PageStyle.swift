import Plots

/// How a page looks, and what its script adds. Neither holds a character that markup would escape.
enum PageStyle {
  /// Style of the page and of the pictures in it.
  static let rules = """
    :root{\(Palette.declarations(isDark: false));color-scheme:light}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]){\
    \(Palette.declarations(isDark: true));color-scheme:dark}}
    :root[data-theme=dark]{\(Palette.declarations(isDark: true));color-scheme:dark}
    *{box-sizing:border-box}
    body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;\
    font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif}
    main{max-width:800px;margin:0 auto;padding:16px 20px 48px}
    header{display:flow-root}
    h1{font-size:1.6rem;line-height:1.2;margin:0 0 8px}
    h2{font-size:1.15rem;margin:32px 0 8px;padding-top:12px;border-top:1px solid var(--grid)}
    .brand{margin:0;color:var(--faint);font-size:.85rem}
    .answer{font-size:1.1rem;margin:0 0 10px;padding-left:12px;border-left:4px solid var(--c0)}
    .lead{margin:0 0 12px;color:var(--faint)}
    nav{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:.9rem}
    a{color:var(--c0)}
    figure{margin:12px 0 20px}
    figure svg{display:block;max-width:100%;height:auto}
    figcaption{color:var(--faint);font-size:.85rem;margin-top:4px}
    .narrow{display:none}
    .scroll{overflow-x:auto;margin:8px 0 16px}
    table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
    th,td{text-align:left;padding:3px 14px 3px 0;border-bottom:1px solid var(--grid);\
    vertical-align:top}
    th{font-weight:600;white-space:nowrap}
    td{max-width:34em;overflow-wrap:break-word}
    .number{text-align:right;white-space:nowrap}
    pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--grid);\
    border-radius:6px;padding:10px;font-size:.85rem}
    .warnings{border-left:4px solid var(--c4);margin:8px 0;padding:4px 8px 4px 26px;font-size:.9rem}
    button{float:right;font:inherit;font-size:.8rem;color:var(--ink);\
    background:var(--paper);border:1px solid var(--faint);border-radius:6px;padding:2px 8px}
    #value{position:fixed;left:12px;bottom:12px;max-width:calc(100vw - 24px);margin:0;\
    padding:4px 10px;border-radius:6px;background:var(--ink);color:var(--paper);font-size:.85rem}
    [hidden]{display:none}
    @media (max-width:759px){.wide{display:none}.narrow{display:block}main{padding:12px 16px 40px}\
    h1{font-size:1.3rem}th,td{padding-right:10px;font-size:.8rem}}
    @media print{:root,:root[data-theme]{\(Palette.declarations(isDark: false))}\
    body{font-size:10pt}main{max-width:none;padding:0}nav,button,#value{display:none}\
    .wide{display:block}.narrow{display:none}figure,tr,pre{break-inside:avoid}\
    h2{break-after:avoid}.scroll{overflow:visible}a{color:inherit;text-decoration:none}\
    figcaption a{display:none}th{white-space:normal}}
    \(Palette.rules)
    """

  /// Says the value of what is pointed at or tapped, and switches between light and dark.
  static let script = """
    (function () {
      var value = document.getElementById('value');
      function tell(event) {
        var shape = event.target.closest ? event.target.closest('.plot *') : null;
        var tip = shape ? shape.querySelector('title') : null;
        value.hidden = !tip;
        value.textContent = tip ? tip.textContent : '';
      }
      document.addEventListener('pointerover', tell);
      document.addEventListener('click', tell);
      var button = document.getElementById('theme');
      button.hidden = false;
      button.addEventListener('click', function () {
        var root = document.documentElement;
        var system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
        var now = root.getAttribute('data-theme') || system;
        root.setAttribute('data-theme', now === 'dark' ? 'light' : 'dark');
      });
    })();
    """
}
