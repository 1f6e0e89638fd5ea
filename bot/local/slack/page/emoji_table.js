// The emoji names this page knows, in the order the picker offers them.

const TABLE = `
white_check_mark ✅|+1 👍|x ❌|-1 👎|eyes 👀|heavy_plus_sign ➕|tada 🎉
large_green_circle 🟢|red_circle 🔴|large_yellow_circle 🟡|large_blue_circle 🔵|large_orange_circle 🟠|large_purple_circle 🟣|white_circle ⚪|black_circle ⚫
warning ⚠️|rotating_light 🚨|fire 🔥|boom 💥|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|bangbang ‼️|exclamation ❗|question ❓|information_source ℹ️
hourglass ⌛|hourglass_flowing_sand ⏳|alarm_clock ⏰|stopwatch ⏱️|clock1 🕐|calendar 📆|date 📅|arrows_counterclockwise 🔄|repeat 🔁|rewind ⏪|fast_forward ⏩
arrow_forward ▶️|double_vertical_bar ⏸️|black_square_for_stop ⏹️|arrow_up ⬆️|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️|leftwards_arrow_with_hook ↩️|arrow_right_hook ↪️
heavy_check_mark ✔️|ballot_box_with_check ☑️|heavy_multiplication_x ✖️|heavy_minus_sign ➖|negative_squared_cross_mark ❎|ok 🆗|new 🆕|sos 🆘
bell 🔔|no_bell 🔕|mega 📣|loudspeaker 📢|speech_balloon 💬|thought_balloon 💭|zzz 💤|pager 📟|telephone_receiver 📞|email 📧|inbox_tray 📥|outbox_tray 📤
lock 🔒|unlock 🔓|key 🔑|shield 🛡️|closed_lock_with_key 🔐|mag 🔍|mag_right 🔎|link 🔗|pushpin 📌|round_pushpin 📍|paperclip 📎|bookmark 🔖|label 🏷️
wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|gear ⚙️|nut_and_bolt 🔩|screwdriver 🪛|toolbox 🧰|electric_plug 🔌|battery 🔋|bulb 💡|test_tube 🧪|microscope 🔬|dna 🧬
computer 💻|desktop_computer 🖥️|keyboard ⌨️|floppy_disk 💾|cd 💿|package 📦|robot_face 🤖|satellite 📡|globe_with_meridians 🌐|cloud ☁️|zap ⚡|rocket 🚀|construction 🚧|ambulance 🚑
memo 📝|pencil2 ✏️|clipboard 📋|books 📚|book 📖|page_facing_up 📄|scroll 📜|file_folder 📁|wastebasket 🗑️|bar_chart 📊|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉
smile 😄|grinning 😀|joy 😂|sweat_smile 😅|slightly_smiling_face 🙂|upside_down_face 🙃|wink 😉|thinking_face 🤔|neutral_face 😐|confused 😕|worried 😟|cry 😢|sob 😭|scream 😱|rage 😡|sleeping 😴|sunglasses 😎|nerd_face 🤓|exploding_head 🤯|face_with_monocle 🧐|see_no_evil 🙈|skull 💀|ghost 👻|partying_face 🥳
wave 👋|raised_hands 🙌|clap 👏|pray 🙏|ok_hand 👌|muscle 💪|point_up ☝️|point_right 👉|point_left 👈|point_down 👇|raised_hand ✋|v ✌️|crossed_fingers 🤞|handshake 🤝|writing_hand ✍️|facepalm 🤦|shrug 🤷|bow 🙇
heart ❤️|broken_heart 💔|green_heart 💚|star ⭐|sparkles ✨|100 💯|trophy 🏆|medal 🏅|gift 🎁|balloon 🎈|confetti_ball 🎊|beers 🍻|coffee ☕|pizza 🍕|cake 🍰|popcorn 🍿
sunny ☀️|partly_sunny ⛅|snowflake ❄️|rainbow 🌈|ocean 🌊|herb 🌿|seedling 🌱|cactus 🌵|fish 🐟|carp_streamer 🎏|turtle 🐢|snail 🐌|bug 🐛|dog 🐶|cat 🐱|monkey 🐒|elephant 🐘|whale 🐳|octopus 🐙
checkered_flag 🏁|triangular_flag_on_post 🚩|white_flag 🏳️|traffic_light 🚦|anchor ⚓|airplane ✈️|car 🚗|house 🏠|office 🏢|factory 🏭|hospital 🏥|detective 🕵️|male-technologist 👨‍💻|female-technologist 👩‍💻|busts_in_silhouette 👥|bust_in_silhouette 👤|recycle ♻️|radioactive_sign ☢️
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣|keycap_ten 🔟|zero 0️⃣|small_red_triangle 🔺|small_red_triangle_down 🔻|small_blue_diamond 🔹|small_orange_diamond 🔸|black_small_square ▪️|white_small_square ▫️`;

const ALIASES = {
  thumbsup: "+1",
  thumbsdown: "-1",
  large_red_circle: "red_circle",
  pencil: "memo",
  "e-mail": "email",
  simple_smile: "slightly_smiling_face",
  face_palm: "facepalm",
  stop_sign: "octagonal_sign",
  collision: "boom",
  heavy_exclamation_mark: "exclamation",
  stop_button: "black_square_for_stop",
  tools: "hammer_and_wrench",
  pause_button: "double_vertical_bar",
  male_detective: "detective",
  man_technologist: "male-technologist",
};

/** Name to character, in picker order. */
export const CHARACTERS = new Map(
  TABLE.trim()
    .split(/[|\n]/)
    .map((entry) => {
      const cut = entry.indexOf(" ");
      return [entry.slice(0, cut), entry.slice(cut + 1)];
    }),
);

const allowed = new Set();

/** Take in the workspace's own emoji; from then on the picker offers only what the workspace has. */
export function learnEmoji(workspace) {
  allowed.clear();
  for (const [name, character] of Object.entries(workspace)) {
    allowed.add(name);
    if (!known(name)) CHARACTERS.set(name, character);
  }
}

/** The names a person may use. */
export function usableNames() {
  const names = [...CHARACTERS.keys()];
  return allowed.size ? names.filter((name) => allowed.has(name)) : names;
}

/** The table's own name for a name or an alias, without a skin tone; null when unknown. */
export function known(name) {
  const plain = String(name).split("::")[0];
  const own = ALIASES[plain] ?? plain;
  return CHARACTERS.has(own) ? own : null;
}
